# What several tensors become when models are merged with weights: linear, slerp, task arithmetic, TIES, in float64.
# The formulas are those of the papers as mergekit computes them (trim to int(density · n) of each difference, signs by the
# weighted sum, division by the weights that agree; slerp on flattened tensors, straight where |cos| > 0.9995).
# With:  requirements.txt of this folder.
# Run:   python scripts/reference/merged_models.py
import json
import pathlib

import numpy as np
from patterned import patterned

SHAPE = (6, 7)
OUT = pathlib.Path(__file__).parents[2] / "Tests/Fixtures/Merging/models.json"


def tensor(name, amplitude=1.0):
    return patterned(name, SHAPE, amplitude).numpy().astype(np.float64)


BASE = tensor("base")
MODELS = [BASE + tensor(f"difference {i}", 0.5) for i in range(3)]
MODELS = [m.astype(np.float32).astype(np.float64) for m in MODELS]


def linear(models, weights, normalize=True):
    total = sum(w * m for w, m in zip(weights, models))
    return total / sum(weights) if normalize else total


def slerp(t, a, b):
    def unit(v):
        length = np.linalg.norm(v)
        return v / length if length > 1e-8 else v
    cosine = float((unit(a) * unit(b)).sum())
    if abs(cosine) > 0.9995:
        return (1 - t) * a + t * b
    angle = np.arccos(cosine)
    return (np.sin((1 - t) * angle) * a + np.sin(t * angle) * b) / np.sin(angle)


def differences(weights, density=1.0, signs=False, normalize=False):
    deltas = []
    for model in MODELS:
        delta = (model - BASE).astype(np.float32).astype(np.float64)
        if density < 1:
            order = np.argsort(-np.abs(delta).ravel(), kind="stable")
            mask = np.zeros(delta.size)
            mask[order[: int(density * delta.size)]] = 1
            delta = delta * mask.reshape(delta.shape)
        deltas.append(delta)
    weighted = np.stack([w * d for w, d in zip(weights, deltas)])
    shares = np.array(weights).reshape(-1, 1, 1)
    if signs:
        majority = np.where(weighted.sum(0) >= 0, 1, -1)
        mask = np.sign(weighted) == majority
        mixed, divisor = (weighted * mask).sum(0), (shares * mask).sum(0)
        divisor[divisor == 0] = 1
    else:
        mixed, divisor = weighted.sum(0), np.full(SHAPE, sum(weights))
    return BASE + (mixed / divisor if normalize else mixed)


WEIGHTS = [0.5, 1.0, -0.25]
CASES = [
    ("linear", {"weights": WEIGHTS}, linear(MODELS, WEIGHTS)),
    ("linear", {"weights": WEIGHTS, "normalize": False}, linear(MODELS, WEIGHTS, False)),
    ("slerp", {"t": 0.3}, slerp(0.3, MODELS[0], MODELS[1])),
    ("slerp", {"t": 0.3, "second": "nearly the first"}, slerp(0.3, MODELS[0], MODELS[0] * np.float64(1.5))),
    ("task_arithmetic", {"weights": WEIGHTS}, differences(WEIGHTS)),
    ("task_arithmetic", {"weights": WEIGHTS, "normalize": True}, differences(WEIGHTS, normalize=True)),
    ("ties", {"weights": WEIGHTS, "density": 0.4}, differences(WEIGHTS, 0.4, True, True)),
    ("ties", {"weights": [1, 1, 1], "density": 0.2, "normalize": False}, differences([1, 1, 1], 0.2, True, False)),
    ("dare_ties", {"weights": WEIGHTS, "density": 1.0}, differences(WEIGHTS, 1, True, False)),
    ("dare_linear", {"weights": WEIGHTS, "density": 1.0}, differences(WEIGHTS)),
]

OUT.parent.mkdir(exist_ok=True)
OUT.write_text(json.dumps({
    "shape": SHAPE, "differences": 0.5, "cases": [
        {"method": method, **settings, "values": [float(f"{x:.8g}") for x in values.ravel()]}
        for method, settings, values in CASES],
}) + "\n")
