# Reward models: the score of a sequence is a linear map with a bias of the hidden state of its last token.
#
# −log σ(chosen − rejected − margin) + c · (chosen + rejected)², its mean over the pairs of a step; pairs without a
# margin have the margin 0.
import torch
from common import ADAPTER, BATCH, FULL, STEPS, Descent, Head, hidden_states, numbers, policy, stored, tensor, value

MARGINS = [0.0, 1.0, 0.25, 3.0, 0.0, 0.5, 2.0, 0.0, 1.5, 0.75, 0.1, 1.0]


def losses(chosen, rejected, margins=None, center=0.0):
    margin = chosen - rejected - (0 if margins is None else margins)
    return -torch.nn.functional.logsigmoid(margin) + center * (chosen + rejected) ** 2


def values():
    scores = dict(chosen=[1.25, -0.5, 3.0, 0.0, 40.0, -900.0], rejected=[0.5, 0.75, -2.0, 0.0, -60.0, 100.0])
    learned = ["chosen", "rejected"]
    margins = dict(scores, margins=[0.0, 1.0, 5.0, 0.5, 2.0, 0.0])
    return [
        value("pairs", losses, scores, learned),
        value("margins", losses, margins, learned),
        value("center", losses, {k: v[:5] for k, v in margins.items()}, learned, center=0.01),
    ]


def data():
    # No decay of the bias, as of any; decay of the map's weight.
    return {"pairs": "Training/pairs.json", "margins": MARGINS,
            "head": {"weight": "v_head.summary.weight", "bias": "v_head.summary.bias", "amplitude": 0.1}}


def descend(dtype, kind, settings):
    pairs, model, head = stored("pairs.json"), policy(kind, dtype), Head(64, dtype)
    step_of = Descent([model, head], **{k: settings[k] for k in FULL})
    steps = []
    for step in range(STEPS):
        rows = numbers(pairs, step)
        scores = {
            role: torch.stack([head(hidden_states(model, pairs[row][role]["ids"])[-1]) for row in rows]).double()
            for role in ["chosen", "rejected"]}
        chosen, rejected = scores["chosen"], scores["rejected"]
        margins = tensor([MARGINS[row] for row in rows]) if settings["margins"] else None
        loss = losses(chosen, rejected, margins, settings["center"]).mean()
        both = torch.cat([chosen, rejected]).detach()
        measures = {"accuracy": ((1 + torch.sign(chosen - rejected).detach()) / 2).mean(),
                    "margin": (chosen - rejected).mean()}
        if settings["center"]:  # without it the bias has no gradient but that of rounding, which AdamW makes large
            measures |= {"reward_mean": both.mean(), "reward_min": both.min(), "reward_max": both.max()}
        steps.append(step_of(loss, measures))
    return steps


def runs():
    return [
        ("pairs", descend, "adapter", dict(ADAPTER, batch=BATCH, margins=False, center=0.0)),
        ("margins", descend, "full", dict(FULL, batch=BATCH, margins=True, center=0.01)),
    ]
