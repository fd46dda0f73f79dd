# Group relative policy optimisation and its relatives, on fixed rollouts.
#
# With ρ = exp(log π − log old) of a token, A the completion's advantage, and m = −min(ρA, clip(ρ, 1 − εₗ, 1 + εₕ)A):
#   grpo      arXiv:2402.03300: the mean of m over a completion's tokens, its mean over the completions
#   bnpo      the sum of m over all tokens of the step ÷ their count; dapo (2503.14476) is the same
#   dr_grpo   2503.20783: the sum of m over all tokens ÷ (completions × the longest completion allowed)
#   cispo     2506.13585: −min(ρ, cap) · A · log π, min(ρ, cap) a constant; divided as bnpo
#   gspo      2507.18071: as grpo with one ratio a completion, exp(the mean of log π − log old)
# + β · k3 of each token, k3 = exp(log ref − log π) − (log ref − log π) − 1, divided as the objective divides. `delta`
# is the upper bound of ρ where A is negative (two-sided clipping): ρ ← min(ρ, delta) outside the clip.
#
# Advantages: reward = Σ weight · reward of each function; A = reward − the mean of its group, divided by the standard
# deviation (n − 1) + 1e-4 of the group (`group`) or of all rewards of the step's rollouts (`batch`), or not (`none`).
#
# The values are held against TRL's GRPOTrainer._compute_loss, all but cispo, which TRL 0.24 does not have.
import torch
from common import ADAPTER, FULL, Descent, label_logits, number, picked, policy, value
from rollouts import END, SIZE, entropies, rollouts, sequence
from trl_functions import GRPOTrainer, stand_in

BATCH, REWARD_WEIGHTS, LONGEST = 8, [1.0, 0.5], 12


def advantages(rewards, size, scale="group", weights=(1.0,)):
    """`rewards` [completions, functions]; the completions of a group follow one another."""
    total = (rewards * torch.tensor(weights, dtype=rewards.dtype)).sum(1)
    groups = total.view(-1, size)
    centered = (groups - groups.mean(1, keepdim=True)).flatten()
    if scale == "none":
        return centered
    deviation = groups.std(1).repeat_interleave(size) if scale == "group" else total.std()
    return centered / (deviation + 1e-4)


def objective(policy, old, advantage, reference=None, objective="grpo", epsilon_low=0.2, epsilon_high=0.2, delta=None,
              cap=5.0, beta=0.0, longest=LONGEST):
    """Lists of [tokens]; (the loss of each token of each completion, loss, measures)."""
    losses, told = [], {"clip_low": [], "clip_high": [], "ratio": [], "kl": []}
    for index, (new, before) in enumerate(zip(policy, old)):
        a, log_ratio = advantage[index], new - before
        if objective == "gspo":
            log_ratio = log_ratio.mean().expand_as(new)
        ratio = log_ratio.exp()
        if objective == "cispo":
            loss = -ratio.detach().clamp(max=cap) * a * new
            low, high = torch.zeros_like(new), (ratio > cap) & (a > 0)
        else:
            bounded = ratio if delta is None else ratio.clamp(max=delta)
            loss = -torch.minimum(bounded * a, ratio.clamp(1 - epsilon_low, 1 + epsilon_high) * a)
            low, high = (ratio < 1 - epsilon_low) & (a < 0), (ratio > 1 + epsilon_high) & (a > 0)
        for name, item in [("clip_low", low), ("clip_high", high), ("ratio", ratio)]:
            told[name].append(item.detach().double())
        if reference is not None:
            away = reference[index] - new
            k3 = away.exp() - away - 1
            told["kl"].append(k3.detach())
            loss = loss + beta * k3
        losses.append(loss)
    if objective in ["grpo", "gspo"]:
        loss = torch.stack([item.mean() for item in losses]).mean()
    elif objective == "dr_grpo":
        loss = torch.cat(losses).sum() / (len(losses) * longest)
    else:
        loss = torch.cat(losses).mean()
    return losses, loss, {k: torch.cat(v).mean() for k, v in told.items() if v}


def trl_loss(policy, old, advantage, reference=None, objective="grpo", epsilon_low=0.2, epsilon_high=0.2, delta=None,
             beta=0.0, longest=LONGEST):
    def padded(lists):
        return torch.nn.utils.rnn.pad_sequence(lists, batch_first=True)

    mask = padded([torch.ones_like(item) for item in policy])
    trainer = stand_in(
        loss_type="grpo" if objective == "gspo" else objective, epsilon_low=epsilon_low, epsilon_high=epsilon_high,
        beta=beta, importance_sampling_level="sequence" if objective == "gspo" else "token", top_entropy_quantile=1.0,
        args=stand_in(delta=delta), use_vllm=False, current_gradient_accumulation_steps=1,
        max_completion_length=longest, model=torch.nn.Identity(), _metrics={"train": Metrics()},
        _get_per_token_logps_and_entropies=lambda *_, **__: (padded(policy), torch.zeros_like(mask)))
    trainer.accelerator.num_processes, trainer.accelerator.gather = 1, lambda x: x
    inputs = {"prompt_ids": mask.long(), "prompt_mask": mask, "completion_ids": mask.long(), "completion_mask": mask,
              "advantages": advantage, "old_per_token_logps": padded(old), "num_items_in_batch": mask.sum()}
    if reference is not None:
        inputs["ref_per_token_logps"] = padded(reference)
    return GRPOTrainer._compute_loss(trainer, None, inputs)


class Metrics(dict):
    def __missing__(self, key):
        self[key] = []
        return self[key]


def closed(policy, old, advantage, reference=None, **settings):
    found = objective(policy, old, advantage, reference, **settings)
    if settings["objective"] != "cispo":
        expected = number(trl_loss(policy, old, advantage, reference, **settings))
        assert abs(number(found[1]) - expected) < 1e-12, (settings, found[1], expected)
    return found


def rewards_of(rows):
    return torch.tensor([row["rewards"] for row in rows], dtype=torch.float64)


def values():
    old = [[-1.0, -2.5, -0.25, -4.0], [-3.0, -0.5], [-2.0, -1.5, -0.125, -6.0, -2.25], [-1.75]]
    ratios = [[0.1, -0.5, 0.0, 0.5], [0.3, -0.125], [-1.2, 2.0, 0.125, -0.3, 0.4], [0.25]]
    inputs = {"policy": [[p + r for p, r in zip(*both)] for both in zip(old, ratios)], "old": old,
              "advantage": [1.5, -0.5, -2.0, 0.0]}
    reference = [[-1.25, -2.0, -0.25, -5.0], [-2.0, -0.75], [-3.5, -1.5, -0.5, -4.0, -2.0], [-1.0]]
    both = dict(inputs, reference=reference)
    found = []
    for name in ["grpo", "bnpo", "dapo", "dr_grpo", "cispo", "gspo"]:
        more = dict(cap=1.4) if name == "cispo" else dict(longest=16) if name == "dr_grpo" else {}
        found.append(value(name, closed, inputs, ["policy"], objective=name, **more))
        found.append(value(name, closed, both, ["policy"], objective=name, beta=0.04, **more))
    found.append(value("clip_higher", closed, inputs, ["policy"], objective="dapo", epsilon_low=0.2, epsilon_high=0.28))
    found.append(value("two_sided", closed, inputs, ["policy"], objective="grpo", delta=4.0))
    tables = [
        ("group", 4, [[1.0], [0.0], [0.0], [1.0], [0.5], [0.5], [0.5], [0.5]], [1.0]),
        ("batch", 4, [[1.0], [0.0], [0.0], [1.0], [3.0], [2.0], [-1.0], [0.5]], [1.0]),
        ("none", 2, [[1.0], [0.0], [0.25], [1.0]], [1.0]),
        ("group", 3, [[1.0, 0.2], [0.0, -0.4], [1.0, 0.0], [0.0, 0.0], [0.0, 1.0], [1.0, -1.0]], [1.0, 0.5])]
    for scale, size, rewards, weights in tables:
        result = advantages(torch.tensor(rewards, dtype=torch.float64), size, scale, weights)
        found.append({"name": "advantages", "settings": {"scale": scale, "size": size, "weights": weights},
                      "inputs": {"rewards": rewards}, "advantages": result.tolist()})
    return found


def data():
    return {"rollouts": rollouts(), "size": SIZE, "end": END, "reward_weights": REWARD_WEIGHTS}


def descend(dtype, kind, settings):
    """Inner steps on the same rollouts: two groups, the other two, and again."""
    settings = dict(settings)
    rows, model = rollouts(), policy(kind, dtype)
    step_of = Descent([model], **{k: settings.pop(k) for k in FULL})
    advantage = advantages(rewards_of(rows), SIZE, settings.pop("scale"), REWARD_WEIGHTS)
    temperature, whole = settings.pop("temperature"), settings.pop("mask_truncated")
    batch = settings.pop("batch")
    steps = []
    for step in range(settings.pop("steps")):
        start = step * batch % len(rows)
        taken = [row for row in range(start, start + batch) if not (whole and rows[row]["truncated"])]
        found = [label_logits(model, sequence(rows[row])) for row in taken]
        new = [picked(logits / temperature, labels) for logits, labels in found]
        old, reference = ([torch.tensor(rows[row][key], dtype=torch.float64) for row in taken]
                          for key in ["old", "reference"])
        _, loss, measures = objective(new, old, advantage[taken], reference if settings["beta"] else None, **settings)
        with torch.no_grad():
            measures["entropy"] = torch.cat([entropies(logits / temperature) for logits, _ in found]).mean()
        steps.append(step_of(loss, measures))
    return steps


def runs():
    rates = dict(ADAPTER, learning_rate=2e-3)
    common = dict(batch=BATCH, steps=10, scale="group", temperature=1.0, mask_truncated=False, beta=0.0)

    def run(name, base=rates, model="adapter", **more):
        return name, descend, model, {**base, **common, **more}

    return [
        run("grpo", objective="grpo", beta=0.04),
        run("grpo", dict(FULL, learning_rate=3e-4), "full", objective="grpo", beta=0.04),
        run("bnpo", objective="bnpo", scale="batch"),
        run("dr_grpo", objective="dr_grpo", scale="none"),
        run("dapo", objective="dapo", epsilon_low=0.2, epsilon_high=0.28, mask_truncated=True),
        run("cispo", objective="cispo", cap=1.2),
        run("gspo", objective="gspo", epsilon_low=0.1, epsilon_high=0.15, beta=0.01),
        run("temperature", objective="grpo", temperature=0.7),
    ]
