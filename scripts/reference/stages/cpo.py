# Losses of pairs without a reference over Training/pairs.json: contrastive preference optimisation (arXiv:2401.08417),
# SimPO (2405.14734) and AlphaPO (2501.03884), from TRL's CPOTrainer.cpo_loss.
#
#   sigmoid   −(1 − ε) log σ(β(c − r)) − ε log σ(−β(c − r)), c and r sums of log p; hinge, ipo (of averages) likewise
#   simpo     −log σ(β(c̄ − r̄) − γ), c̄ and r̄ averages over the tokens: γ is not multiplied by β
#   alphapo   simpo of (1 − e^{−α·c̄}) / α instead of c̄
# plus λ times the sft term: the mean over the pairs of −c̄. TRL takes the mean over all tokens of a micro-batch
# instead: the run `pooled`. Of SimPO and AlphaPO λ is 0; TRL's default is 1 for all.
import torch
from common import (
    ADAPTER, BATCH, FULL, STEPS, Descent, log_probabilities, numbers, pairwise_measures, policy, stored, value)
from trl_functions import CPOTrainer, stand_in


def found(chosen, rejected, loss="sigmoid", beta=0.1, label_smoothing=0.0, gamma=0.5, alpha=0.0):
    """(losses, rewards of the chosen, rewards of the rejected) of sums, or of averages where the loss wants them."""
    trainer = stand_in(beta=beta, label_smoothing=label_smoothing, simpo_gamma=gamma, alpha=alpha, loss_type=loss)
    return CPOTrainer.cpo_loss(trainer, chosen, rejected)


AVERAGED = ["simpo", "ipo"]


def losses(chosen, rejected, chosen_tokens, rejected_tokens, sft=0.0, loss="sigmoid", **settings):
    averages = chosen / chosen_tokens, rejected / rejected_tokens
    each = found(*(averages if loss in AVERAGED else (chosen, rejected)), loss=loss, **settings)[0]
    return each - sft * averages[0]


def values():
    inputs = dict(chosen=[-24.5, -12.25, -40.0, -3.5, -0.5], rejected=[-25.0, -10.5, -47.0, -7.0, -90.0],
                  chosen_tokens=[17, 5, 30, 1, 2], rejected_tokens=[16, 6, 33, 2, 60])

    def one(name, **settings):
        return value(name, losses, inputs, ["chosen", "rejected"], **settings)

    return [
        one("cpo", beta=0.1, sft=1.0), one("cpo", beta=0.1, sft=0.0, label_smoothing=0.2),
        one("cpo", beta=0.1, loss="hinge"), one("cpo", beta=0.1, loss="ipo"),
        one("simpo", beta=2.0, gamma=0.5, loss="simpo"), one("simpo", beta=2.0, gamma=1.6, loss="simpo", sft=0.5),
        one("alphapo", beta=2.0, gamma=0.5, loss="simpo", alpha=0.25),
        one("alphapo", beta=2.0, gamma=0.5, loss="simpo", alpha=-0.5),
    ]


def data():
    return {"pairs": "Training/pairs.json"}


def descend(dtype, kind, settings):
    settings = dict(settings)
    pairs, model = stored("pairs.json"), policy(kind, dtype)
    step_of = Descent([model], **{k: settings.pop(k) for k in FULL})
    sft, pooled = settings.pop("sft"), settings.pop("pooled", False)
    del settings["batch"]
    steps = []
    for step in range(STEPS):
        answers = [[log_probabilities(model, pairs[row][role]) for role in ["chosen", "rejected"]]
                   for row in numbers(pairs, step)]
        total = (lambda a: a.mean()) if settings["loss"] in AVERAGED else (lambda a: a.sum())
        chosen, rejected = (torch.stack([total(a) for a in column]) for column in zip(*answers))
        each, *rewards = found(chosen, rejected, **settings)
        nll = -(torch.cat([c for c, _ in answers]) if pooled else torch.stack([c.mean() for c, _ in answers])).mean()
        steps.append(step_of(each.mean() + sft * nll, {
            **pairwise_measures(*rewards), "logps_chosen": chosen.mean(), "logps_rejected": rejected.mean(),
            "nll": nll}))
    return steps


def runs():
    adapter = dict(ADAPTER, batch=BATCH)
    simpo = dict(beta=2.0, gamma=0.5, loss="simpo", sft=0.0)
    return [
        ("cpo", descend, "adapter", dict(adapter, beta=0.1, loss="sigmoid", sft=1.0)),
        ("pooled", descend, "adapter", dict(adapter, beta=0.1, loss="sigmoid", sft=1.0, pooled=True)),
        ("simpo", descend, "full", dict(FULL, batch=BATCH, **simpo)),
        ("simpo", descend, "adapter", dict(adapter, **simpo)),
        ("alphapo", descend, "adapter", dict(adapter, **simpo, alpha=0.25)),
    ]
