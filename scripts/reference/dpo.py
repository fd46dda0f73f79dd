# Makes: Tests/Fixtures/Training/{pairs,dpo}.json: ten steps of direct preference optimisation of the tiny `gqa` Llama,
#        with a LoRA policy against its base, against the base with another adapter, and against itself as it was, moving
#        after it as TRL's SyncRefModelCallback does (`ref = (1 - share) * ref + share * policy` after every so many steps).
# With:  requirements.txt of this folder (torch 2.13.0+cpu, transformers 5.6.2, peft 0.18.1), and the PEFT folders that
#        training.py makes: `adapter` is the policy, `rslora` the other reference.
# Run:   python scripts/reference/dpo.py
#
# Each sequence is computed by itself, its log-probabilities summed over the answer in float64; the loss is the formula
# of arXiv:2305.18290 with label smoothing, its mean over the pairs of a step. Optimizer, schedule and clipping as in
# training.py.
import json
import random

import torch
from peft import PeftModel
from tiny_llama import tiny_model
from training import OUT, STEPS, WARMUP, parameter_groups
from transformers import get_cosine_schedule_with_warmup

BATCH = 4
SETTINGS = dict(
    learning_rate=5e-3, weight_decay=0.01, max_grad_norm=1.5, betas=(0.9, 0.98), epsilon=1e-8, beta=0.3,
    label_smoothing=0.1)

MOVES = (2, 0.6)


def random_pairs(vocabulary, count, seed):
    """Two answers to one prompt, as ids with the answer marked."""
    source = random.Random(seed)

    def ids(low, high):
        return [source.randrange(vocabulary) for _ in range(source.randint(low, high))]

    pairs = []
    for _ in range(count):
        prompt = ids(2, 20)
        pair = {}
        for role in ["chosen", "rejected"]:
            answer = ids(1, 25)
            pair[role] = {"ids": prompt + answer, "trained": [False] * len(prompt) + [True] * len(answer)}
        pairs.append(pair)
    return pairs


def answer_log_probability(model, sequence):
    """The sum of log p over the trained tokens."""
    ids = torch.tensor([sequence["ids"]])
    scores = torch.log_softmax(model(input_ids=ids).logits[0, :-1].float(), dim=-1)
    picked = scores.gather(1, ids[0, 1:, None])[:, 0].double()
    return picked[torch.tensor(sequence["trained"][1:])].sum()


def pair_log_probabilities(model, pair):
    return [answer_log_probability(model, pair[role]) for role in ["chosen", "rejected"]]


def preference_loss(policy, reference, beta, label_smoothing):
    """The mean loss of pairs, and the measures of a step."""
    rewards = [[beta * (p - r) for p, r in zip(*both)] for both in zip(policy, reference)]
    margins = torch.stack([chosen - rejected for chosen, rejected in rewards])
    sigmoid = torch.nn.functional.logsigmoid
    losses = -(1 - label_smoothing) * sigmoid(margins) - label_smoothing * sigmoid(-margins)
    count = len(policy)
    measures = {
        "rewards_chosen": sum(r[0].item() for r in rewards) / count,
        "rewards_rejected": sum(r[1].item() for r in rewards) / count,
        "rewards_margin": margins.mean().item(),
        "rewards_accuracy": (margins > 0).double().mean().item(),
        "logps_chosen": sum(p[0].item() for p in policy) / count,
        "logps_rejected": sum(p[1].item() for p in policy) / count,
    }
    return losses.mean(), measures


def train(model, pairs, reference, learning_rate, weight_decay, betas, epsilon, max_grad_norm, beta, label_smoothing,
          batch=BATCH, count=STEPS, moves=None):
    """Steps of DPO: [{loss, grad_norm, learning_rate, measures…}]. `moves`: every how many steps, and how far."""
    optimizer = torch.optim.AdamW(parameter_groups(model, weight_decay), lr=learning_rate, betas=betas, eps=epsilon)
    schedule = get_cosine_schedule_with_warmup(optimizer, WARMUP, STEPS)
    trainable = [p for p in model.parameters() if p.requires_grad]
    copies = [p.detach().clone() for p in trainable]
    steps = []
    for step in range(count):
        if moves and step and step % moves[0] == 0:
            for copy, parameter in zip(copies, trainable):
                copy.mul_(1 - moves[1]).add_(parameter.data, alpha=moves[1])
            reference = with_values(trainable, copies, lambda: scores(model, pairs))
        start = step * batch % len(pairs)
        numbers = range(start, min(len(pairs), start + batch))
        policy = [pair_log_probabilities(model, pairs[i]) for i in numbers]
        loss, measures = preference_loss(policy, [reference[i] for i in numbers], beta, label_smoothing)
        optimizer.zero_grad()
        loss.backward()
        norm = torch.nn.utils.clip_grad_norm_(trainable, max_grad_norm)
        rate = schedule.get_last_lr()[0]
        optimizer.step()
        schedule.step()
        steps.append({"loss": loss.item(), "grad_norm": norm.item(), "learning_rate": rate, **measures})
    return steps


def scores(model, pairs):
    with torch.no_grad():
        return [[p.item() for p in pair_log_probabilities(model, pair)] for pair in pairs]


def with_values(parameters, values, body):
    """What `body` gives with other values of parameters."""
    own = [p.data for p in parameters]
    for parameter, value in zip(parameters, values):
        parameter.data = value
    found = body()
    for parameter, value in zip(parameters, own):
        parameter.data = value
    return found


def adapted(name, is_trainable=False):
    return PeftModel.from_pretrained(tiny_model("gqa"), OUT / name, is_trainable=is_trainable).eval()


def main():
    pairs = random_pairs(90, 12, seed=3)
    (OUT / "pairs.json").write_text(json.dumps(pairs, separators=(",", ":")) + "\n")
    result = {**SETTINGS, "references": {}}
    for name, model in [("base", tiny_model("gqa")), ("rslora", adapted("rslora"))]:
        reference = scores(model, pairs)
        steps = train(adapted("adapter", is_trainable=True), pairs, reference, **SETTINGS)
        result["references"][name] = {"scores": reference, "steps": steps}
    policy = adapted("adapter", is_trainable=True)
    reference = scores(policy, pairs)
    steps = train(policy, pairs, reference, **SETTINGS, moves=MOVES)
    result["moving"] = {"every": MOVES[0], "share": MOVES[1], "scores": reference, "steps": steps}
    (OUT / "dpo.json").write_text(json.dumps(result, indent=1) + "\n")


if __name__ == "__main__":
    main()
