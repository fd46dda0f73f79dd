# Proximal policy optimisation with a value head on the policy's body, on fixed rollouts (arXiv:1707.06347, 1909.08593).
#
# Of a completion's token t: the state's value V is the head's number at the token before it; reward = −c · (log old −
# log ref), at the last token + the score. Nothing follows the last token, truncated or not: V after it is 0.
#   δ = reward + γ V(t + 1) − V(t); advantage = δ + γλ · advantage(t + 1); return = advantage + V
# then the advantages of all tokens of the rollouts are whitened together: (A − mean) / sqrt(variance (n − 1) + 1e-8).
# A step is a minibatch: the mean over its tokens of max(−ρA, −clip(ρ, 1 ± ε)A), plus `vf` times half the mean over its
# tokens of max((v − return)², (clip(v, V ± εᵥ) − return)²).
import math
import statistics

import torch
from common import (
    ADAPTER, FULL, Descent, Head, base, hidden_states, picked, policy, tensor, value)
from rollouts import entropies, rollouts, sequence
from trl_functions import RunningMoments, masked_whiten, stand_in

ORDER = [[0, 1, 2], [3, 4, 5], [6, 7, 8], [4, 8, 0], [2, 6, 1], [7, 5, 3], [8, 3, 6], [1, 7, 4], [5, 0, 2], [6, 4, 5],
         [0, 2, 7], [3, 1, 8]]
DISCOUNT = dict(gamma=1.0, lam=0.95, kl_coefficient=0.05)


def token_rewards(old, reference, score, kl_coefficient, estimator="k1"):
    away = reference - old
    kl = -away if estimator == "k1" else away.exp() - away - 1
    rewards = -kl_coefficient * kl
    rewards[-1] += score
    return rewards


def estimated(rewards, values, gamma, lam):
    """(advantages, returns) of one completion."""
    advantages, after = torch.zeros_like(rewards), 0.0
    for t in reversed(range(len(rewards))):
        following = values[t + 1] if t + 1 < len(values) else 0.0
        after = rewards[t] + gamma * following - values[t] + gamma * lam * after
        advantages[t] = after
    return advantages, advantages + values


def whitened(lists, shift_mean=True):
    flat = torch.cat(lists)
    return list(masked_whiten(flat, torch.ones_like(flat), shift_mean).split([len(item) for item in lists]))


def objective(policy, values, old, old_values, advantages, returns, epsilon=0.2, epsilon_value=0.2, vf=0.1):
    """All [tokens] of a minibatch: (nothing, loss, measures)."""
    ratio = (policy - old).exp()
    one, other = -advantages * ratio, -advantages * ratio.clamp(1 - epsilon, 1 + epsilon)
    policy_loss = torch.maximum(one, other).mean()
    bounded = torch.clamp(values, old_values - epsilon_value, old_values + epsilon_value)
    square, bounded_square = (values - returns) ** 2, (bounded - returns) ** 2
    value_loss = 0.5 * torch.maximum(square, bounded_square).mean()
    with torch.no_grad():
        measures = {
            "policy_loss": policy_loss.detach(), "value_loss": value_loss.detach(), "ratio": ratio.mean(),
            "clip_fraction": (other > one).double().mean(),
            "value_clip_fraction": (bounded_square > square).double().mean(),
            "approximate_kl": 0.5 * ((policy - old) ** 2).mean()}
    return None, policy_loss + vf * value_loss, measures


def adaptive(coefficient, kl, count, target=6.0, horizon=10000):
    """The next coefficient of the KL penalty after `count` rollouts whose mean KL was `kl`."""
    return coefficient * (1 + min(max(kl / target - 1, -0.2), 0.2) * count / horizon)


def values():
    found = []
    for gamma, lam, estimator in [(1.0, 0.95, "k1"), (0.9, 1.0, "k1"), (1.0, 0.95, "k3"), (1.0, 0.0, "k1")]:
        inputs = {"old": [-1.0, -2.5, -0.25, -4.0], "reference": [-1.5, -2.0, -0.25, -4.5],
                  "values": [0.25, -0.5, 1.0, 0.75], "score": 1.5}
        settings = dict(gamma=gamma, lam=lam, kl_coefficient=0.1, estimator=estimator)
        rewards = token_rewards(tensor(inputs["old"]), tensor(inputs["reference"]), 1.5, 0.1, estimator)
        advantages, returns = estimated(rewards, tensor(inputs["values"]), gamma, lam)
        found.append({"name": "advantages", "settings": settings, "inputs": inputs, "rewards": rewards.tolist(),
                      "advantages": advantages.tolist(), "returns": returns.tolist()})
    for shift_mean in [True, False]:
        lists = [[0.5, -1.0, 2.0], [3.0], [-0.25, 0.75]]
        result = whitened([tensor(item) for item in lists], shift_mean)
        found.append({"name": "whitened", "settings": {"shift_mean": shift_mean}, "inputs": {"numbers": lists},
                      "whitened": [item.tolist() for item in result]})
    inputs = dict(
        policy=[-1.0, -2.0, -0.5, -3.0, -1.25, -0.75], values=[0.5, 1.0, -0.5, 0.25, 2.0, 0.0],
        old=[-1.125, -2.5, -0.5, -2.5, -1.0, -0.625], old_values=[0.4, 0.5, -0.75, 0.5, 1.0, 0.0],
        advantages=[1.0, 0.5, -1.5, -0.5, -2.0, 0.75], returns=[1.0, 0.75, -0.5, 0.0, 2.5, 0.125])
    for more in [{}, dict(epsilon=0.3, epsilon_value=0.5, vf=0.5)]:
        entry = value("objective", objective, inputs, ["policy", "values"], **more)
        found.append({k: v for k, v in entry.items() if k != "losses"})
    for kl in [0.0, 5.5, 6.0, 6.3, 90.0, -2.0]:
        settings = dict(target=6.0, horizon=10000, count=256)
        found.append({"name": "adaptive", "settings": settings, "inputs": {"coefficient": 0.2, "kl": kl},
                      "coefficient": adaptive(0.2, kl, **settings)})
    running, seen = RunningMoments(stand_in().accelerator), []
    for scores in [[1.0, -2.0, 0.5, 4.0], [10.0, 12.0, 9.0]]:
        running.update(tensor(scores))
        seen += scores
        assert math.isclose(running.mean, statistics.mean(seen), rel_tol=1e-6)
        assert math.isclose(running.std, statistics.stdev(seen), rel_tol=1e-6)
        mean, deviation = statistics.mean(seen), statistics.stdev(seen)
        found.append({"name": "score_normalization", "settings": {}, "inputs": {"scores": scores}, "mean": mean,
                      "deviation": deviation, "normalized": [(score - mean) / deviation for score in scores]})
    return found


def known():
    """Nine rollouts with scores and values, their advantages and returns."""
    rows, model, head = rollouts(groups=3, size=3, seed=37), base(torch.float32), Head(64, torch.float32)
    for row in rows:
        with torch.no_grad():
            states = hidden_states(model, row["prompt"] + row["completion"])[len(row["prompt"]) - 1 : -1]
            row["values"] = [round(v, 4) for v in head(states).tolist()]
        row["score"] = row.pop("rewards")[1]
        rewards = token_rewards(tensor(row["old"]), tensor(row["reference"]), row["score"], DISCOUNT["kl_coefficient"])
        advantages, returns = estimated(rewards, tensor(row["values"]), DISCOUNT["gamma"], DISCOUNT["lam"])
        row["advantages"], row["returns"] = advantages, returns.tolist()
    for row, advantages in zip(rows, whitened([row["advantages"] for row in rows])):
        row["advantages"] = advantages.tolist()
    return rows


def data():
    return {"rollouts": known(), "order": ORDER, **DISCOUNT,
            "head": {"weight": "v_head.summary.weight", "bias": "v_head.summary.bias", "amplitude": 0.1}}


def descend(dtype, kind, settings):
    settings = dict(settings)
    rows, model, head = known(), policy(kind, dtype), Head(64, dtype)
    output = (model.get_base_model() if kind == "adapter" else model).lm_head
    step_of = Descent([model, head], **{k: settings.pop(k) for k in FULL})
    steps = []
    for taken in ORDER:
        columns = {name: [] for name in ["policy", "values", "old", "old_values", "advantages", "returns"]}
        entropy = []
        for row in (rows[index] for index in taken):
            ids = sequence(row)["ids"]
            states = hidden_states(model, ids)[len(row["prompt"]) - 1 : -1]
            logits = output(states)
            columns["policy"].append(picked(logits, torch.tensor(row["completion"])))
            columns["values"].append(head(states).double())
            entropy.append(entropies(logits.detach()))
            for name, key in [("old", "old"), ("old_values", "values"), ("advantages", "advantages"),
                              ("returns", "returns")]:
                columns[name].append(tensor(row[key]))
        _, loss, measures = objective(**{k: torch.cat(v) for k, v in columns.items()}, **settings)
        steps.append(step_of(loss, {**measures, "entropy": torch.cat(entropy).mean()}))
    return steps


def runs():
    settings = dict(epsilon=0.2, epsilon_value=0.2, vf=0.1)
    return [("ppo", descend, "adapter", dict(ADAPTER, learning_rate=2e-3, **settings)),
            ("ppo", descend, "full", dict(FULL, learning_rate=3e-4, **settings))]
