# What every fixture of an optimizer is made of: see __main__.py.
#
# Values and gradients come from patterned.py, so that both sides compute them bit for bit, all in float32:
#   start of a tensor     mean + patterned(name, shape, amplitude)
#   gradient of step t    patterned(name + ".gradient", shape, 0.25)
#                         + patterned(name + ".gradient." + t, shape, [1/16, 1/8, 1/4, 1/2][t mod 4])
#                         of a table (`rows` is true) zero in row 3 always, and in every row r with (r + t) mod 3 = 0
# Steps count from 1; step t is taken with `learning_rates[t - 1]`.
import json
import sys
from pathlib import Path

import numpy as np
import torch

sys.path.append(str(Path(__file__).resolve().parents[1]))
from patterned import patterned  # noqa: E402

OUT = Path(__file__).resolve().parents[3] / "Tests/Fixtures/Optimizers"
STEPS = 20
SEEN = 1, 2, 5, 20
# A short warm-up, then down; a third of it is nothing in binary.
RATES = [0.01 * (t / 4 if t < 4 else (25 - t) / 21) for t in range(1, STEPS + 1)]


def tensor(name, shape, mean=0, amplitude=0.5, rows=False):
    return {"name": name, "shape": list(shape), "mean": mean, "amplitude": amplitude, "rows": rows}


# Matrices both ways, one that fills no vector, the weight of a norm, a table of embeddings.
TENSORS = [tensor("wide", (8, 20)), tensor("tall", (20, 8)), tensor("odd", (7, 13)),
           tensor("norm", (24,), mean=1, amplitude=0.25), tensor("embedding", (20, 8), rows=True)]


def start(spec):
    return spec["mean"] + patterned(spec["name"], spec["shape"], spec["amplitude"])


def gradient(spec, step):
    name, shape = spec["name"], spec["shape"]
    made = patterned(name + ".gradient", shape, 0.25)
    made = made + patterned(f"{name}.gradient.{step}", shape, [1 / 16, 1 / 8, 1 / 4, 1 / 2][step % 4])
    if spec["rows"]:
        made[[r for r in range(shape[0]) if r == 3 or (r + step) % 3 == 0]] = 0
    return made


def parameters(tensors):
    return {spec["name"]: torch.nn.Parameter(start(spec)) for spec in tensors}


def set_gradients(tensors, made, step):
    for spec in tensors:
        made[spec["name"]].grad = gradient(spec, step).to(made[spec["name"]].dtype)


def set_rate(optimizer, rate):
    for group in optimizer.param_groups:
        group["lr"] = rate * group.get("rate_scale", 1)


def numbers(x):
    """Every value of a tensor, flat, with as few digits as tell a float32 from its neighbours."""
    return [float(str(v)) for v in x.detach().to(torch.float32).flatten().numpy().astype(np.float32)]


def run(variant, settings, make, tensors=TENSORS, rates=RATES, seen=SEEN, read=None, **more):
    """Takes the steps with the optimizer that `make(parameters by name)` makes, and keeps all values after some.

    `read(optimizer, parameters)` gives what else is kept beside the values, under names of its own.
    """
    made = parameters(tensors)
    optimizer = make(made)
    after = {}
    for step in range(1, STEPS + 1):
        set_gradients(tensors, made, step)
        if rates is not None:
            set_rate(optimizer, rates[step - 1])
        optimizer.step()
        if step in seen:
            after[str(step)] = {name: numbers(p) for name, p in made.items()}
            if read:
                after[str(step)].update(read(optimizer, made))
    return {"variant": variant, "settings": settings, **more, "after": after}


def write(name, source, runs, tensors=TENSORS, rates=RATES, **more):
    head = {"optimizer": name, "source": source, "tensors": tensors, "learning_rates": rates, **more}
    OUT.mkdir(parents=True, exist_ok=True)
    lines = ",\n".join(json.dumps(one, separators=(",", ":")) for one in runs)
    text = json.dumps(head, separators=(",", ":"))[:-1] + ',"runs":[\n' + lines + "\n]}\n"
    assert len(text) < 200_000, (name, len(text))
    (OUT / f"{name}.json").write_text(text)
