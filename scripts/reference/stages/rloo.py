# REINFORCE with the mean of the others of a group as baseline (arXiv:2402.14740), on the fixed rollouts of grpo.json.
#
# reward = Σ weight · reward of each function − β · Σ (log old − log ref) over the completion's tokens;
# A = reward − the mean of the other rewards of its group, then, where `normalize`, (A − mean) / (deviation + 1e-4)
# over all rollouts, the deviation with n − 1. The loss of a completion is −min(ρA, clip(ρ, 1 − εₗ, 1 + εₕ)A) with
# ρ = exp(Σ log π − Σ log old), its mean over the completions: TRL's RLOOTrainer._compute_loss, against which the values
# are held.
import torch
from common import ADAPTER, FULL, Descent, label_logits, number, picked, policy, value
from grpo import BATCH, REWARD_WEIGHTS, Metrics, rewards_of
from rollouts import SIZE, entropies, rollouts, sequence
from trl_functions import RLOOTrainer, stand_in


def advantages(rewards, kl, size, beta=0.0, weights=(1.0,), normalize=False):
    total = (rewards * torch.tensor(weights, dtype=rewards.dtype)).sum(1) - beta * kl
    groups = total.view(-1, size)
    found = (groups - (groups.sum(1, keepdim=True) - groups) / (size - 1)).flatten()
    return (found - found.mean()) / (found.std() + 1e-4) if normalize else found


def losses(policy, old, advantage, epsilon_low=0.2, epsilon_high=0.2):
    """`policy`, `old`: sums over the completions' tokens."""
    ratio = (policy - old).exp()
    return -torch.minimum(ratio * advantage, ratio.clamp(1 - epsilon_low, 1 + epsilon_high) * advantage)


def closed(policy, old, advantage, epsilon_low=0.2, epsilon_high=0.2):
    found = losses(policy, old, advantage, epsilon_low, epsilon_high)
    mask = torch.ones(len(policy), 1, dtype=torch.float64)
    trainer = stand_in(
        epsilon_low=epsilon_low, epsilon_high=epsilon_high, model=torch.nn.Identity(), _metrics={"train": Metrics()},
        _get_per_token_logps_and_entropies=lambda *_, **__: (policy[:, None], torch.zeros_like(mask)))
    trainer.accelerator.gather = lambda x: x
    inputs = {"prompt_ids": mask.long(), "prompt_mask": mask, "completion_ids": mask.long(), "completion_mask": mask,
              "advantages": advantage, "old_logps": old}
    assert abs(number(found.mean()) - number(RLOOTrainer._compute_loss(trainer, None, inputs))) < 1e-12
    return found


def values():
    inputs = dict(policy=[-12.0, -7.5, -30.0, -4.25, -9.0], old=[-12.125, -7.0, -30.0, -5.0, -8.5],
                  advantage=[0.5, -1.0, 2.0, 0.75, 1.5])
    found = [value("rloo", closed, inputs, ["policy"]), value("rloo", closed, inputs, ["policy"], epsilon_high=1.5)]
    rewards = [[1.0, 0.2], [0.0, -0.4], [1.0, 0.0], [0.0, 0.0], [0.0, 1.0], [1.0, -1.0]]
    kl = [0.5, -0.25, 2.0, 0.0, 1.0, 0.125]
    for beta, normalize in [(0.0, False), (0.05, False), (0.05, True)]:
        settings = dict(size=3, beta=beta, weights=[1.0, 0.5], normalize=normalize)
        result = advantages(*(torch.tensor(x, dtype=torch.float64) for x in [rewards, kl]), **settings)
        found.append({"name": "advantages", "settings": settings, "inputs": {"rewards": rewards, "kl": kl},
                      "advantages": result.tolist()})
    return found


def data():
    return {"rollouts": "Stages/grpo.json"}


def descend(dtype, kind, settings):
    settings = dict(settings)
    rows, model = rollouts(), policy(kind, dtype)
    step_of = Descent([model], **{k: settings.pop(k) for k in FULL})
    old, reference = (torch.tensor([sum(row[key]) for row in rows], dtype=torch.float64)
                      for key in ["old", "reference"])
    advantage = advantages(rewards_of(rows), old - reference, SIZE, settings.pop("beta"), REWARD_WEIGHTS,
                           settings.pop("normalize"))
    batch = settings.pop("batch")
    steps = []
    for step in range(settings.pop("steps")):
        start = step * batch % len(rows)
        taken = list(range(start, start + batch))
        found = [label_logits(model, sequence(rows[row])) for row in taken]
        new = torch.stack([picked(*pair).sum() for pair in found])
        ratio, a = (new - old[taken]).exp().detach(), advantage[taken]
        with torch.no_grad():
            entropy = torch.cat([entropies(logits) for logits, _ in found]).mean()
        steps.append(step_of(losses(new, old[taken], a, **settings).mean(), {
            "clip_low": ((ratio < 1 - settings["epsilon_low"]) & (a < 0)).double().mean(),
            "clip_high": ((ratio > 1 + settings["epsilon_high"]) & (a > 0)).double().mean(),
            "ratio": ratio.mean(), "entropy": entropy}))
    return steps


def runs():
    common = dict(batch=BATCH, steps=10, beta=0.05, epsilon_low=0.5, epsilon_high=0.5)
    return [("rloo", descend, "full", dict(FULL, learning_rate=3e-5, **common, normalize=False)),
            ("normalize", descend, "adapter", dict(ADAPTER, learning_rate=3e-4, **common, normalize=True))]
