# Fixed rollouts of reinforcement learning: groups of completions of one prompt, with what was known when they were
# sampled. Numbers are written as they are used: a test reads them and samples nothing.
import random

import torch
from common import base, label_logits, picked

GROUPS, SIZE, END = 4, 4, 2


def sequence(rollout):
    prompt, completion = rollout["prompt"], rollout["completion"]
    return {"ids": prompt + completion, "trained": [False] * len(prompt) + [True] * len(completion)}


def rollouts(groups=GROUPS, size=SIZE, seed=31):
    """[{prompt, completion, truncated, old, reference, rewards}]: a completion ends with the token 2 or is truncated.

    `old` and `reference` are log p of each token: what the tiny model gives, and a little beside it as if steps had
    been taken since. `rewards` are those of two reward functions.
    """
    source, model = random.Random(seed), base(torch.float32)
    found = []
    for group in range(groups):
        prompt = [source.randrange(3, 90) for _ in range(source.randint(3, 9))]
        for _ in range(size):
            truncated = source.random() < 0.2
            completion = [source.randrange(3, 90) for _ in range(12 if truncated else source.randint(1, 11))]
            rollout = {"prompt": prompt, "completion": completion + ([] if truncated else [END]),
                       "truncated": truncated}
            with torch.no_grad():
                known = picked(*label_logits(model, sequence(rollout))).tolist()
            rollout["old"] = [round(p + source.uniform(-0.15, 0.15), 4) for p in known]
            rollout["reference"] = [round(p + source.uniform(-0.3, 0.3), 4) for p in known]
            rollout["rewards"] = [float(source.random() < 0.5), round(source.uniform(-1, 1), 3)]
            if group == 1:
                rollout["rewards"] = [1.0, 0.25]  # a group that teaches nothing
            found.append(rollout)
    return found


def entropies(logits):
    """The entropy of each place, in float64."""
    logs = torch.log_softmax(logits, dim=-1).double()
    return -(logs.exp() * logs).sum(-1)
