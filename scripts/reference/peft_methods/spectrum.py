# Spectrum (arXiv:2406.06623): the signal-to-noise ratio of each matrix, by its authors' definition, and the best half.
import torch
from common import base_model, digits, write

PERCENT = 50


def ratio(weight):
    values = torch.linalg.svdvals(weight)
    deviation = (torch.quantile(values, 0.75) - torch.quantile(values, 0.25)) / 1.349
    rows, columns = weight.shape
    bound = deviation * (1 + (min(rows, columns) / max(rows, columns)) ** 0.5)
    signal, noise = values[values > bound].sum(), values[values <= bound].sum()
    return bound, (signal / noise if noise != 0 else torch.tensor(float("inf"))) / values[0], values


def make(name):
    kinds = {}
    for module, layer in base_model("untied").named_modules():
        if isinstance(layer, torch.nn.Linear) and module.startswith("model.layers."):
            bound, found, values = ratio(layer.weight)
            kinds.setdefault(module.split(".", 3)[3], {})[module] = {
                "bound": digits(bound.item()), "above": int((values > bound).sum()),
                "largest": digits(values[0].item()),
                "ratio": digits(found.item()) if found.isfinite() else None}
    chosen = []
    for maps in kinds.values():
        best = sorted(maps, key=lambda m: -(maps[m]["ratio"] or float("inf")))  # None: nothing is noise
        chosen += best[:len(best) * PERCENT // 100]
    write(name, {"case": name, "base": "untied", "kinds": kinds, "percent": PERCENT, "chosen": chosen})


CASES = {"spectrum": make}
