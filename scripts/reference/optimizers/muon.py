# Muon: torch's class, whose Newton-Schulz steps are in bfloat16, the same with them in float32, and what LLaMA-Factory
# makes of it. The momentum of the last is a sum where torch's is a mean; the steps do not see the difference.
import math
from contextlib import contextmanager
from unittest import mock

import torch
from common import RATES, SEEN, STEPS, TENSORS, gradient, numbers, parameters, run, write

MATRICES = [spec for spec in TENSORS if len(spec["shape"]) == 2 and not spec["rows"]]


@contextmanager
def in_float32():
    """torch's own code, with the one conversion it makes undone."""
    with mock.patch.object(torch.Tensor, "bfloat16", lambda x: x.clone()):
        yield


def packaged(variant, precision="float32", **settings):
    def make(made):
        return torch.optim.Muon([made[spec["name"]] for spec in MATRICES], lr=1.0, **settings)
    if precision == "bfloat16":
        return run(variant, settings, make, tensors=MATRICES, newton_schulz=precision)
    with in_float32():
        return run(variant, settings, make, tensors=MATRICES, newton_schulz=precision)


def orthogonal(g, steps=5):
    """Five steps of a quintic polynomial on the singular values: about U Vᵀ of g."""
    a, b, c = 3.4445, -4.7750, 2.0315
    x = g.T if g.shape[0] > g.shape[1] else g
    x = x / (x.norm() + 1e-7)
    for _ in range(steps):
        y = x @ x.T
        x = a * x + (b * y + c * y @ y) @ x
    return x.T if g.shape[0] > g.shape[1] else x


@torch.no_grad()
def factory(variant, weight_decay, betas=(0.9, 0.999), eps=1e-8, momentum=0.95):
    """Matrices that are no embeddings by Muon, the rest by AdamW with an epsilon that is not corrected for its bias."""
    made, states, after = parameters(TENSORS), {}, {}
    for step in range(1, STEPS + 1):
        rate = RATES[step - 1]
        for spec in TENSORS:
            name, g, p = spec["name"], gradient(spec, step), made[spec["name"]]
            p.mul_(1 - rate * weight_decay)
            if spec in MATRICES:
                sum_ = states[name] = momentum * states.get(name, 0) + g
                p.sub_(0.2 * math.sqrt(max(spec["shape"])) * rate * orthogonal(g + momentum * sum_))
            else:
                mean, square = states.get(name, (torch.zeros_like(g), torch.zeros_like(g)))
                mean = mean.lerp(g, 1 - betas[0])
                square = square.lerp(g.square(), 1 - betas[1])
                states[name] = mean, square
                scale = (1 - betas[0] ** step) / math.sqrt(1 - betas[1] ** step)
                p.sub_(rate / scale * mean / (eps + square.sqrt()))
        if step in SEEN:
            after[str(step)] = {name: numbers(p) for name, p in made.items()}
    settings = dict(momentum=momentum, nesterov=True, ns_steps=5, weight_decay=weight_decay, betas=betas, eps=eps)
    return {"variant": variant, "settings": settings, "newton_schulz": "float32", "after": after}


def muon(name):
    write(name, "torch.optim.Muon of torch 2.13.0; LLaMA-Factory's from its definition", [
        packaged("original", weight_decay=0.0),
        packaged("original in bfloat16", "bfloat16", weight_decay=0.0),
        packaged("match_rms_adamw with decay", adjust_lr_fn="match_rms_adamw", weight_decay=0.1),
        packaged("match_rms_adamw with decay in bfloat16", "bfloat16", adjust_lr_fn="match_rms_adamw",
                 weight_decay=0.1),
        packaged("without nesterov, three steps", nesterov=False, ns_steps=3, momentum=0.9, weight_decay=0.1),
        factory("as LLaMA-Factory has it", 0.1)])


FIXTURES = {"muon": muon}
