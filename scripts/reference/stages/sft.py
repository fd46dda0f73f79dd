# Supervised fine-tuning and its other losses, over the rows of Training/rows.json.
#
# All are sums over the label tokens of a step divided by their count (by the sum of their weights where they have
# some).
#   label smoothing  transformers' LabelSmoother: (1 − ε) · −log p(label) + ε · the mean of −log p over the vocabulary
#   dft              arXiv:2508.05629: −p log p, p outside the logarithm is a constant
#   eaft             arXiv:2601.02151: −(H / ln k)^α log p, H the entropy of the softmax of the k = 20 largest logits,
#                    a constant
#   asft             arXiv:2509.23753: dft + λ · KL(reference ‖ policy), or KL(policy ‖ reference) for `reverse`
import math
from types import SimpleNamespace

import torch
from common import (
    ADAPTER, BATCH, FULL, STEPS, Descent, base, label_logits, number, numbers, policy, stored, tensor, value)
from transformers.trainer_pt_utils import LabelSmoother
from trl_functions import dft_loss


def token_losses(logits, labels, loss="cross_entropy", label_smoothing=0.0, eaft_k=20, eaft_alpha=1.0,
                 eaft_normalizer=None, asft_lambda=0.1, asft_kl="forward", reference=None):
    """The loss of each label token, and what is told of each."""
    logs = torch.log_softmax(logits, dim=-1).double()
    nll = -logs.gather(1, labels[:, None])[:, 0]
    told = {"nll": nll.detach(), "accuracy": (logits.argmax(-1) == labels).double()}
    if loss == "cross_entropy":
        return (1 - label_smoothing) * nll + label_smoothing * -logs.mean(-1), told
    if loss == "eaft":
        top = torch.log_softmax(logits.detach().topk(eaft_k).values, dim=-1).double()
        entropy = -(top.exp() * top).sum(-1)
        weight = (entropy / (eaft_normalizer or math.log(eaft_k))) ** eaft_alpha
        return weight * nll, {**told, "weight": weight}
    dft = (-nll).exp().detach() * nll
    if loss == "dft":
        return dft, told
    other = torch.log_softmax(reference, dim=-1).double()
    first, second = (other, logs) if asft_kl == "forward" else (logs, other)
    kl = (first.exp() * (first - second)).sum(-1)
    return dft + asft_lambda * kl, {**told, "kl": kl.detach()}


def closed(logits, labels, weights=None, **settings):
    labels = labels.long()
    losses, _ = token_losses(logits, labels, **settings)
    if weights is None:
        return losses, losses.mean()
    return losses, (weights * losses).sum() / weights.sum()


def same(found, expected):
    assert abs(found - number(expected)) < 1e-6, (found, expected)


def values():
    torch.manual_seed(1)
    tokens, vocabulary = 4, 24
    logits = (2 * torch.randn(tokens, vocabulary, dtype=torch.float64)).round(decimals=3)
    reference = (logits + torch.randn(tokens, vocabulary, dtype=torch.float64)).round(decimals=3)
    labels = [3, int(logits[1].argmax()), 23, 0]
    inputs = dict(logits=logits.tolist(), labels=labels)
    both = dict(inputs, reference=reference.tolist())
    found = [value("cross_entropy", closed, inputs, ["logits"], loss="cross_entropy")]
    for smoothing in [0.1, 0.5]:
        found.append(value("label_smoothing", closed, inputs, ["logits"], label_smoothing=smoothing))
    found.append(value("weights", closed, dict(inputs, weights=[1.0, 0.0, 2.0, 0.5]), ["logits"]))
    found.append(value("dft", closed, inputs, ["logits"], loss="dft"))
    for more in [{}, dict(eaft_alpha=2.0), dict(eaft_k=5), dict(eaft_normalizer=3.0)]:
        found.append(value("eaft", closed, inputs, ["logits"], loss="eaft", **more))
    for kl in ["forward", "reverse"]:
        found.append(value("asft", closed, both, ["logits"], loss="asft", asft_lambda=0.1, asft_kl=kl))
    # The same from the tools themselves: a first position that nothing predicts.
    outputs = {"logits": torch.cat([logits, logits[:1]])[None]}
    shifted = torch.tensor([[-100, *labels]])
    same(found[1]["loss"], LabelSmoother(epsilon=0.1)(outputs, shifted, shift_labels=True))
    same(found[4]["loss"], dft_loss(SimpleNamespace(**outputs), shifted.clone()))
    return found


def token_weights():
    """A weight for each label token of each row, for the run that has some: 0, 1/2, 1 and 3/2 by turns."""
    counts = [sum(row["trained"]) for row in stored("rows.json")]
    return [[(row + place) % 4 / 2 for place in range(count)] for row, count in enumerate(counts)]


def data():
    return {"rows": "Training/rows.json", "weights": token_weights()}


def descend(dtype, kind, settings):
    """Ten steps; measures are means over the label tokens of a step."""
    settings = dict(settings)
    rows, model = stored("rows.json"), policy(kind, dtype)
    step_of = Descent([model], **{k: settings.pop(k) for k in FULL})
    del settings["batch"]
    weights = token_weights() if settings.pop("weights", False) else [[1.0] * sum(row["trained"]) for row in rows]
    reference = base(dtype) if settings.get("loss") == "asft" else None
    steps = []
    for step in range(STEPS):
        total, count, told = 0, 0, {}
        for row in numbers(rows, step):
            logits, labels = label_logits(model, rows[row])
            other = None if reference is None else label_logits(reference, rows[row])[0]
            losses, more = token_losses(logits, labels, reference=other, **settings)
            total = total + (tensor(weights[row]) * losses).sum()
            count += sum(weights[row])
            for key, item in more.items():
                told.setdefault(key, []).append(item)
        steps.append(step_of(total / count, {k: torch.cat(v).mean() for k, v in told.items()}))
    return steps


def runs():
    full, adapter = dict(FULL, batch=BATCH), dict(ADAPTER, batch=BATCH)
    return [
        ("label_smoothing", descend, "full", dict(full, label_smoothing=0.1)),
        ("label_smoothing", descend, "adapter", dict(adapter, label_smoothing=0.1)),
        ("weights", descend, "adapter", dict(adapter, weights=True)),
        ("dft", descend, "full", dict(full, loss="dft")),
        ("eaft", descend, "full", dict(full, loss="eaft", eaft_alpha=1.0, eaft_k=20)),
        ("asft", descend, "full", dict(full, loss="asft", asft_lambda=0.1, asft_kl="forward")),
        ("asft", descend, "adapter", dict(adapter, loss="asft", asft_lambda=0.1, asft_kl="forward")),
        ("asft_reverse", descend, "adapter", dict(adapter, loss="asft", asft_lambda=0.1, asft_kl="reverse")),
    ]
