# AdamW with states of 8 bits, as bitsandbytes has them, and with states and weights in bfloat16.
#
# The class of bitsandbytes runs on a CPU as it is, but rounds what it quantises to 1/32768 of the block's maximum
# first. Here it looks for the nearest code, as it does for types that have no kernel: of two as near the lower one.
from unittest import mock

import bitsandbytes
import torch
from bitsandbytes.backends.cpu import ops
from bitsandbytes.functional import create_dynamic_map
from common import RATES, SEEN, STEPS, TENSORS, gradient, numbers, run, start, tensor, write

BLOCK = 256
# 20 blocks; 16 blocks and 125 elements; one element too few for codes; a table that keeps its 32 bits by its name.
LARGE = [tensor("large", (64, 80)), tensor("ragged", (67, 63)), tensor("small", (63, 65)),
         tensor("norm", (24,), mean=1, amplitude=0.25), tensor("embedding", (100, 41), rows=True)]
# Of the large ones, these blocks are kept.
KEPT = {"large": (0, 11), "ragged": (3, 16), "small": (15,), "norm": (0,), "embedding": (0,)}


def nearest(values, code, maxima, codes, block):
    flat = values.flatten()
    for b in range(len(maxima)):
        part = flat[b * block:(b + 1) * block]
        maxima[b] = part.abs().max()
        scaled = (part * (1 / maxima[b])).clamp(-1, 1) if maxima[b] > 0 else part
        codes.view(-1)[b * block:(b + 1) * block] = (scaled[:, None] - code).abs().argmin(1).to(torch.uint8)


def blocks_of(name, x):
    return numbers(torch.cat([x.detach().flatten()[b * BLOCK:(b + 1) * BLOCK] for b in KEPT[name]]))


def states(optimizer, made):
    """Of what has codes: `m.`, `v.` the codes of the kept blocks and `m_maximum.`, `v_maximum.` those of all blocks."""
    kept = {}
    for name, p in made.items():
        state = optimizer.state[p]
        if "absmax1" in state:
            for letter, n in ("m", 1), ("v", 2):
                kept[f"{letter}.{name}"] = [int(x) for x in blocks_of(name, state[f"state{n}"])]
                kept[f"{letter}_maximum.{name}"] = numbers(state[f"absmax{n}"])
    return kept


def adamw_8bit(name):
    def one(variant, **settings):
        def make(made):
            optimizer = bitsandbytes.optim.AdamW8bit(made.values(), lr=1.0, **settings)
            bitsandbytes.optim.GlobalOptimManager.get_instance().override_config(
                made["embedding"], "optim_bits", 32)
            return optimizer
        with mock.patch.object(ops, "_quant_blockwise_fp32_direct", nearest):
            made = run(variant, settings, make, tensors=LARGE, seen=(1, 2, 20), read=states)
        for values in made["after"].values():
            for key in KEPT:
                values[key] = blocks_of(key, torch.tensor(values[key]))
        return made
    write(name, "bitsandbytes 0.50.2, AdamW8bit on a CPU", [
        one("plain", betas=(0.9, 0.99), eps=1e-8, weight_decay=0.0),
        one("decay", betas=(0.9, 0.999), eps=1e-8, weight_decay=0.1)],
        tensors=LARGE, kept_blocks=KEPT, block=BLOCK,
        signed_codes=numbers(create_dynamic_map(True)), unsigned_codes=numbers(create_dynamic_map(False)))


def to_half(x):
    return x.to(torch.bfloat16).float()


@torch.no_grad()
def half(variant, weights="float32", moments=("float32", "float32"), kahan=False, betas=(0.9, 0.99), eps=1e-8,
         weight_decay=0.1):
    """All arithmetic is in float32; what is kept is rounded to the nearest bfloat16, ties to even.

    With a compensation, what the weight's rounding lost is added to the next step's change, decay included.
    """
    kept = [to_half if kind == "bfloat16" else (lambda x: x) for kind in moments]
    to_weight = to_half if weights == "bfloat16" else (lambda x: x)
    after = {}
    made = {spec["name"]: [to_weight(start(spec))] + [torch.zeros(spec["shape"])] * 3 for spec in TENSORS}
    for step in range(1, STEPS + 1):
        rate = RATES[step - 1]
        for spec in TENSORS:
            p, m, v, lost = made[spec["name"]]
            g = gradient(spec, step)
            m = m + (1 - betas[0]) * (g - m)
            v = betas[1] * v + (1 - betas[1]) * g * g
            change = -rate / (1 - betas[0] ** step) * m / (v.sqrt() / (1 - betas[1] ** step) ** 0.5 + eps)
            change = change - rate * weight_decay * p + lost
            new = to_weight(p + change)
            if kahan:
                lost = to_half(change - (new - p))
            made[spec["name"]] = [new, kept[0](m), kept[1](v), lost]
        if step in SEEN:
            after[str(step)] = {name: numbers(parts[0]) for name, parts in made.items()}
    return {"variant": variant, "after": after, "settings": dict(
        weights=weights, moments=moments, kahan=kahan, betas=betas, eps=eps, weight_decay=weight_decay)}


def adamw_half(name):
    both = ("bfloat16", "bfloat16")
    write(name, "from its definition, in torch 2.13.0", [
        half("first moment in bfloat16", moments=("bfloat16", "float32")),
        half("moments in bfloat16", moments=both),
        half("weights in bfloat16, compensated", weights="bfloat16", kahan=True),
        half("all in bfloat16, compensated", weights="bfloat16", moments=both, kahan=True),
        half("all in bfloat16, not compensated", weights="bfloat16", moments=both)])


FIXTURES = {"adamw_8bit": adamw_8bit, "adamw_bfloat16": adamw_half}
