# Odds ratio preference optimisation (arXiv:2403.07691) over the pairs of Training/pairs.json, without a reference.
#
# With a the mean of log p over an answer's tokens: −a(chosen) − β · log σ(log odds(chosen) − log odds(rejected)), where
# log odds = a − log(1 − eᵃ). The mean over the pairs. TRL instead takes for the first term the mean of −log p over all
# tokens of all chosen rows of a micro-batch, prompts too: the run `whole_rows`.
import torch
from common import (
    ADAPTER, BATCH, FULL, STEPS, Descent, log_probabilities, numbers, pairwise_measures, policy, stored, value)
from trl_functions import ORPOTrainer, stand_in


def terms(chosen, rejected, beta):
    """−β · log σ of each pair from averages, and what TRL tells: mean log σ and mean log odds ratio."""
    found = ORPOTrainer.odds_ratio_loss(stand_in(beta=beta), chosen, rejected)
    return -found[0], found[3], found[4]


def losses(chosen, rejected, chosen_tokens, rejected_tokens, beta=0.1):
    chosen, rejected = chosen / chosen_tokens, rejected / rejected_tokens
    return -chosen + terms(chosen, rejected, beta)[0]


def values():
    inputs = dict(chosen=[-4.5, -0.25, -80.0, -3.5, -0.001], rejected=[-5.0, -10.5, -7.0, -7.0, -90.0],
                  chosen_tokens=[17, 5, 30, 1, 2], rejected_tokens=[16, 6, 33, 2, 3])
    return [value("orpo", losses, inputs, ["chosen", "rejected"], beta=beta) for beta in [0.1, 1.0]]


def data():
    return {"pairs": "Training/pairs.json"}


def descend(dtype, kind, settings):
    pairs, model, beta = stored("pairs.json"), policy(kind, dtype), settings["beta"]
    step_of = Descent([model], **{k: settings[k] for k in FULL})
    steps = []
    for step in range(STEPS):
        means, whole = {"chosen": [], "rejected": []}, []
        for row in numbers(pairs, step):
            for role, column in means.items():
                column.append(log_probabilities(model, pairs[row][role]).mean())
            if settings["whole_rows"]:
                ids = pairs[row]["chosen"]["ids"]
                whole.append(log_probabilities(model, {"ids": ids, "trained": [True] * len(ids)}))
        chosen, rejected = (torch.stack(v) for v in means.values())
        ratio, told_ratio, told_odds = terms(chosen, rejected, beta)
        nll = -torch.cat(whole).mean() if whole else -chosen.mean()
        steps.append(step_of(nll + ratio.mean(), {
            **pairwise_measures(beta * chosen, beta * rejected), "logps_chosen": chosen.mean(),
            "logps_rejected": rejected.mean(), "nll": nll, "log_odds_ratio": told_ratio, "log_odds": told_odds}))
    return steps


def runs():
    return [
        ("orpo", descend, "adapter", dict(ADAPTER, batch=BATCH, beta=0.3, whole_rows=False)),
        ("orpo", descend, "full", dict(FULL, batch=BATCH, beta=0.1, whole_rows=False)),
        ("whole_rows", descend, "adapter", dict(ADAPTER, batch=BATCH, beta=0.3, whole_rows=True)),
    ]
