# Kahneman-Tversky optimisation (arXiv:2402.01306) and APO-zero unpaired (2408.06266), from TRL's KTOTrainer.kto_loss.
#
# A row has a prompt, one answer and a label: wanted or not. With ℓ = log π − log ref, both sums over the answer:
#   kto                 wanted w₊ · (1 − σ(β(ℓ − z))), unwanted w₋ · (1 − σ(β(z − ℓ)))
#   apo_zero_unpaired   wanted w₊ · (1 − σ(βℓ)), unwanted w₋ · σ(βℓ)
# The mean over the rows of a step. z = max(0, the mean over the rows of a step of log π − log ref of the row's prompt
# with the answer of another row), of the policy before the step and without a gradient. `mismatched` says whose answer:
#   set     that of the row before it in the set, of the first row the last (their pairs, and what the reference says
#           of them, are known before training)
#   batch   that of the row before it in the step, of the first row the last (TRL's pairs in the order of the set)
import random

import torch
from common import (
    ADAPTER, BATCH, FULL, STEPS, Descent, base, log_probabilities, number, numbers, policy, value)
from trl_functions import KTOTrainer, stand_in

LABELS = [True, False, True, True, False, True, False, True, True, False, True, True, False]


def found(policy_logps, reference_logps, labels, policy_other, reference_other, loss="kto", beta=0.1,
          desirable_weight=1.0, undesirable_weight=1.0):
    """(losses in the order of the rows, z)"""
    labels = labels.bool()
    trainer = stand_in(beta=beta, loss_type=loss, desirable_weight=desirable_weight,
                       undesirable_weight=undesirable_weight, calculate_KL=loss == "kto")
    losses, _, _, kl = KTOTrainer.kto_loss(
        trainer, policy_logps[labels], policy_logps[~labels], policy_other, reference_logps[labels],
        reference_logps[~labels], reference_other)
    order = torch.cat([labels.nonzero()[:, 0], (~labels).nonzero()[:, 0]])
    return torch.zeros_like(losses).index_copy(0, order, losses), kl.max()


def closed(policy, reference, labels, policy_other, reference_other, **settings):
    losses, kl = found(policy, reference, labels, policy_other, reference_other, **settings)
    return losses, losses.mean(), {"kl": kl.item()}


def values():
    inputs = dict(
        policy=[-41.5, -12.25, -80.0, -3.5, -60.0], reference=[-43.0, -12.0, -71.0, -3.5, -48.0],
        labels=[True, False, True, True, False], policy_other=[-50.0, -30.0, -61.0, -9.0, -70.0],
        reference_other=[-56.0, -31.5, -59.0, -9.0, -77.0])
    below = dict(inputs, reference_other=[-36.0, -31.5, -59.0, -9.0, -57.0])
    only = dict(inputs, labels=[True] * 5)

    def one(name, columns, **settings):
        return value(name, closed, columns, ["policy"], **settings)

    return [
        one("kto", inputs, beta=0.1), one("kto", below, beta=0.1), one("kto", only, beta=0.3),
        one("kto", inputs, beta=0.1, desirable_weight=1.5, undesirable_weight=0.75),
        one("apo_zero_unpaired", inputs, beta=0.1, loss="apo_zero_unpaired"),
        one("apo_zero_unpaired", inputs, beta=0.1, loss="apo_zero_unpaired", desirable_weight=2.0),
    ]


def rows():
    source = random.Random(23)

    def ids(low, high):
        return [source.randrange(90) for _ in range(source.randint(low, high))]

    return [{"prompt": ids(2, 16), "answer": ids(1, 20), "label": label} for label in LABELS]


def sequence(prompt, answer):
    return {"ids": prompt + answer, "trained": [False] * len(prompt) + [True] * len(answer)}


def others(count, mismatched):
    """Whose answer each row's prompt is put together with."""
    if mismatched == "set":
        return [(row - 1) % count for row in range(count)]
    steps = [numbers(range(count), step) for step in range(-(-count // BATCH))]
    return [step[place - 1] for step in steps for place in range(len(step))]


def data():
    model = base(torch.float32)
    scores = [number(log_probabilities(model, sequence(r["prompt"], r["answer"])).sum()) for r in rows()]
    return {"rows": rows(), "reference": scores}


def descend(dtype, kind, settings):
    settings = dict(settings)
    examples, model, reference = rows(), policy(kind, dtype), base(dtype)
    step_of = Descent([model], **{k: settings.pop(k) for k in FULL})
    mismatched = others(len(examples), settings.pop("mismatched", "set"))
    del settings["batch"]
    steps = []
    for step in range(STEPS):
        taken = numbers(examples, step)
        own = [sequence(examples[row]["prompt"], examples[row]["answer"]) for row in taken]
        other = [sequence(examples[row]["prompt"], examples[mismatched[row]]["answer"]) for row in taken]
        with torch.no_grad():
            z = [torch.stack([log_probabilities(m, s).sum() for s in other]) for m in [model, reference]]
            known = torch.stack([log_probabilities(reference, s).sum() for s in own])
        logps = torch.stack([log_probabilities(model, s).sum() for s in own])
        labels = torch.tensor([examples[row]["label"] for row in taken])
        losses, kl = found(logps, known, labels, *z, **settings)
        rewards, logps = settings["beta"] * (logps - known).detach(), logps.detach()
        measures = {"kl": kl}
        for name, column in [("rewards", rewards), ("logps", logps)]:
            for role, mask in [("chosen", labels), ("rejected", ~labels)]:
                if mask.any():
                    measures[f"{name}_{role}"] = column[mask].mean()
        steps.append(step_of(losses.mean(), measures))
    return steps


def runs():
    adapter = dict(ADAPTER, batch=BATCH, beta=0.3, mismatched="set")
    return [
        ("kto", descend, "adapter", adapter),
        ("kto", descend, "full", dict(FULL, batch=BATCH, beta=0.3, mismatched="set")),
        ("batch", descend, "adapter", dict(adapter, mismatched="batch")),
        ("weights", descend, "adapter", dict(adapter, desirable_weight=1.5, undesirable_weight=0.75)),
        ("apo_zero_unpaired", descend, "adapter", dict(adapter, loss="apo_zero_unpaired")),
    ]
