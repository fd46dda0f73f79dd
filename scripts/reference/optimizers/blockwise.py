# Optimizers that treat a model's parts by their names: Adam-mini, with one second moment a head, row or tensor, and
# BAdam, which trains one block of layers after another.
import io
from contextlib import redirect_stdout

import badam
import torch
from adam_mini import Adam_mini
from common import RATES, STEPS, numbers, parameters, run, set_gradients, set_rate, tensor, write

WIDTH, HEADS, KEY_HEADS, HEAD = 16, 4, 2, 4
ATTENTION, MLP = "model.layers.0.self_attn.", "model.layers.0.mlp."
MODEL = [
    tensor("model.embed_tokens.weight", (12, WIDTH), rows=True),
    tensor(ATTENTION + "q_proj.weight", (HEADS * HEAD, WIDTH)), tensor(ATTENTION + "q_proj.bias", (HEADS * HEAD,)),
    tensor(ATTENTION + "k_proj.weight", (KEY_HEADS * HEAD, WIDTH)),
    tensor(ATTENTION + "v_proj.weight", (KEY_HEADS * HEAD, WIDTH)), tensor(ATTENTION + "o_proj.weight", (WIDTH, WIDTH)),
    tensor(ATTENTION + "q_norm.weight", (HEAD,), mean=1, amplitude=0.25),
    tensor(MLP + "gate_proj.weight", (9, WIDTH)), tensor(MLP + "down_proj.weight", (WIDTH, 9)),
    tensor("model.layers.0.input_layernorm.weight", (WIDTH,), mean=1, amplitude=0.25),
    tensor("lm_head.weight", (12, WIDTH))]
LAYERS = [tensor("model.embed_tokens.weight", (6, 5), rows=True)] + [
    spec for i in range(3) for spec in (
        tensor(f"model.layers.{i}.mlp.up_proj.weight", (7, 5)),
        tensor(f"model.layers.{i}.norm.weight", (5,), mean=1, amplitude=0.25))] + [
    tensor("model.norm.weight", (5,), mean=1, amplitude=0.25), tensor("lm_head.weight", (6, 5))]
SWITCHED = 1, 3, 4, 5, 6, 9, 10, 11, 15, 16, 20


def adam_mini(name):
    def one(variant, **settings):
        return run(variant, settings, lambda made: Adam_mini(
            made.items(), lr=1.0, dim=WIDTH, n_heads=HEADS, n_kv_heads=KEY_HEADS, verbose=False, **settings),
            tensors=MODEL, seen=(1, 5, 20))
    write(name, "adam-mini 1.1.1", [
        one("plain", betas=(0.9, 0.99), eps=1e-8, weight_decay=0.0),
        one("decay", betas=(0.9, 0.99), eps=1e-8, weight_decay=0.1)],
        tensors=MODEL, model={"width": WIDTH, "heads": HEADS, "key_heads": KEY_HEADS})


class Blocks(badam.BlockOptimizer):
    """The package's class; the list of what it trains is kept, and what it says is not shown."""

    def step(self):
        with redirect_stdout(io.StringIO()):
            super().step()


def packaged(variant, mode, every, **settings):
    def make(made):
        base = torch.optim.AdamW(made.values(), lr=1.0, **settings)
        with redirect_stdout(io.StringIO()):
            return Blocks(base, list(made.items()), switch_block_every=every, switch_mode=mode)
    return {**run(variant, dict(mode=mode, switch_every=every, **settings), make, tensors=LAYERS, seen=SWITCHED),
            "first_switch": every - 1}


def defined(variant, mode, every, **settings):
    """As the paper has it: every block takes as many steps as the others, the first one too."""
    made, after = parameters(LAYERS), {}
    blocks = [[n for n in made if f"layers.{i}." in n] for i in range(3)]
    for step in range(1, STEPS + 1):
        if (step - 1) % every == 0:
            place = (step - 1) // every % 3
            trained = blocks[place if mode == "ascending" else 2 - place]
            optimizer = torch.optim.AdamW([made[n] for n in trained], lr=1.0, **settings)
        set_gradients(LAYERS, made, step)
        set_rate(optimizer, RATES[step - 1])
        optimizer.step()
        if step in SWITCHED:
            after[str(step)] = {n: numbers(p) for n, p in made.items()}
    return {"variant": variant, "settings": dict(mode=mode, switch_every=every, **settings), "after": after,
            "first_switch": every}


def block_adamw(name):
    settings = dict(betas=(0.9, 0.99), eps=1e-8)
    write(name, "badam 1.4, BlockOptimizer over torch.optim.AdamW; the runs 'as defined' by torch.optim.AdamW alone", [
        defined("as defined, ascending", "ascending", 5, weight_decay=0.0, **settings),
        defined("as defined, descending, decay", "descending", 5, weight_decay=0.1, **settings),
        packaged("as packaged, ascending", "ascending", 5, weight_decay=0.0, **settings),
        packaged("as packaged, descending, decay", "descending", 5, weight_decay=0.1, **settings)], tensors=LAYERS)


FIXTURES = {"adam_mini": adam_mini, "badam": block_adamw}
