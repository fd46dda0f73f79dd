# Binary classifier optimisation (arXiv:2404.04656), from TRL's BCOTrainer.bco_loss, without matched distributions of prompts.
#
# Rows as of kto.py. With u = β(log π − log ref), both sums over the answer:
#   wanted log(1 + e^(δ − u)), unwanted log(1 + e^(u − δ))
# The mean over the rows of a step. δ = the mean of u over the rows of all steps so far, with those of the step as the policy
# is before it; it has no gradient.
import torch
from common import ADAPTER, BATCH, FULL, STEPS, Descent, base, log_probabilities, numbers, policy, value
from kto import rows, sequence
from trl_functions import BCOTrainer, RunningMoments, stand_in


def classifier(beta):
    trainer = stand_in(beta=beta, match_underlying_distribution=False)
    trainer.running = RunningMoments(trainer.accelerator)
    return trainer


def found(trainer, policy_logps, reference_logps, labels):
    """(losses in the order of the rows, δ)"""
    labels = labels.bool()
    losses, _, _, delta = BCOTrainer.bco_loss(
        trainer, policy_logps[labels], policy_logps[~labels], reference_logps[labels], reference_logps[~labels], None,
        None)
    order = torch.cat([labels.nonzero()[:, 0], (~labels).nonzero()[:, 0]])
    return torch.zeros_like(losses).index_copy(0, order, losses), delta


def closed(policy, reference, labels, beta):
    losses, delta = found(classifier(beta), policy, reference, labels)
    return losses, losses.mean(), {"delta": delta.double().item()}


def values():
    inputs = dict(
        policy=[-41.5, -12.25, -80.0, -3.5, -60.0], reference=[-43.0, -12.0, -71.0, -3.5, -48.0],
        labels=[True, False, True, True, False])
    only = dict(inputs, labels=[True] * 5)
    return [value("bco", closed, inputs, ["policy"], beta=0.1), value("bco", closed, only, ["policy"], beta=0.3)]


def data():
    return {"rows": "Stages/kto.json"}


def descend(dtype, kind, settings):
    settings = dict(settings)
    examples, model, reference = rows(), policy(kind, dtype), base(dtype)
    step_of = Descent([model], **{k: settings.pop(k) for k in FULL})
    trainer = classifier(settings["beta"])
    steps = []
    for step in range(STEPS):
        taken = numbers(examples, step)
        own = [sequence(examples[row]["prompt"], examples[row]["answer"]) for row in taken]
        with torch.no_grad():
            known = torch.stack([log_probabilities(reference, s).sum() for s in own])
        logps = torch.stack([log_probabilities(model, s).sum() for s in own])
        labels = torch.tensor([examples[row]["label"] for row in taken])
        losses, delta = found(trainer, logps, known, labels)
        rewards, logps = settings["beta"] * (logps - known).detach(), logps.detach()
        measures = {"delta": delta}
        for name, column in [("rewards", rewards), ("logps", logps)]:
            for role, mask in [("chosen", labels), ("rejected", ~labels)]:
                if mask.any():
                    measures[f"{name}_{role}"] = column[mask].mean()
        steps.append(step_of(losses.mean(), measures))
    return steps


def runs():
    return [("bco", descend, "adapter", dict(ADAPTER, batch=BATCH, beta=0.3)),
            ("bco", descend, "full", dict(FULL, batch=BATCH, beta=0.3))]
