# What the stages share: models, sequences, steps, closed-form values, and how a fixture is written.
#
# A fixture has
#   values  [{name, settings, inputs, losses, loss, gradients}]: `losses` is the loss of each example, `loss` the number
#           that is minimised, `gradients` its derivative with respect to each input that the loss learns from.
#           Computed in float64.
#   runs    [{name, model, settings, steps}]: `model` is `full` (all weights of the tiny model learn) or `adapter` (the
#           PEFT folder of that name on the frozen tiny model); a step is {loss, grad_norm, measures…}.
# and the rows of the runs, where they are not a file of Tests/Fixtures/Training.
#
# Steps: rows as they stand, `batch` a step, the last step of an epoch takes what is left. AdamW with a constant rate,
# no decay of norms and biases, the gradient's norm clipped at `max_grad_norm`; the norm written is the one before.
# Every sequence is computed by itself, without padding; sums over tokens are in float64.
import json
import sys
from pathlib import Path

import torch

sys.path.append(str(Path(__file__).resolve().parents[1]))

from patterned import patterned  # noqa: E402
from peft import PeftModel  # noqa: E402
from tiny_llama import tiny_model  # noqa: E402
from training import OUT as TRAINING  # noqa: E402
from training import parameter_groups  # noqa: E402

torch.set_num_threads(1)

OUT = TRAINING.parent / "Stages"
STEPS, BATCH = 10, 4
FULL = dict(learning_rate=1e-3, weight_decay=0.1, betas=(0.9, 0.98), epsilon=1e-8, max_grad_norm=1.0)
ADAPTER = dict(FULL, learning_rate=5e-3, weight_decay=0.01)


# Models and sequences

def base(dtype):
    """The tiny model, frozen."""
    model = tiny_model("gqa").to(dtype)
    model.requires_grad_(False)
    return model


def policy(kind, dtype):
    """The model that learns: all of it, or the adapter of training.py on it."""
    if kind == "full":
        return tiny_model("gqa").to(dtype)
    return PeftModel.from_pretrained(tiny_model("gqa"), TRAINING / "adapter", is_trainable=True).eval().to(dtype)


def teacher(dtype):
    """The tiny architecture with weights by formula: another model than the one that learns."""
    model = base(dtype)
    for name, parameter in model.named_parameters():
        values = patterned("teacher." + name, tuple(parameter.shape), 0.25).to(dtype)
        parameter.copy_(1 + values if "norm" in name else values)
    return model


class Head(torch.nn.Module):
    """A linear map with a bias from the last hidden state (after the final norm) to one number, by formula."""

    def __init__(self, size, dtype, prefix="v_head.summary"):
        super().__init__()
        self.weight = torch.nn.Parameter(patterned(f"{prefix}.weight", (1, size), 0.1).to(dtype))
        self.bias = torch.nn.Parameter(patterned(f"{prefix}.bias", (1,), 0.1).to(dtype))

    def forward(self, hidden):
        return (hidden @ self.weight.T + self.bias)[..., 0]


def stored(name):
    return json.loads((TRAINING / name).read_text())


def marks(sequence):
    return torch.tensor(sequence["trained"][1:])


def label_logits(model, sequence):
    """Logits [labels, vocabulary] and the labels, of the trained tokens."""
    ids = torch.tensor([sequence["ids"]])
    logits = model(input_ids=ids).logits[0, :-1]
    chosen = marks(sequence)
    return logits[chosen], ids[0, 1:][chosen]


def picked(logits, labels):
    """log p of each label, in float64 after the model's own precision."""
    return torch.log_softmax(logits, dim=-1).gather(1, labels[:, None])[:, 0].double()


def log_probabilities(model, sequence):
    """log p of each trained token."""
    return picked(*label_logits(model, sequence))


def hidden_states(model, ids):
    """[tokens, hidden size] after the final norm."""
    inner = model.get_base_model() if isinstance(model, PeftModel) else model
    return inner.model(input_ids=torch.tensor([ids])).last_hidden_state[0]


# Steps

def numbers(rows, step, batch=BATCH):
    """Which rows a step takes."""
    start = step * batch % (-(-len(rows) // batch) * batch)
    return list(range(start, min(len(rows), start + batch)))


class Descent:
    """Optimizer steps over the trained parameters of some modules."""

    def __init__(self, modules, learning_rate, weight_decay, betas, epsilon, max_grad_norm):
        groups = {}
        for module in modules:
            for group in parameter_groups(module, weight_decay):
                groups.setdefault(group["weight_decay"], []).extend(group["params"])
        if weight_decay == 0:
            groups = {0: sum(groups.values(), [])}
        self.parameters = sum(groups.values(), [])
        self.optimizer = torch.optim.AdamW(
            [{"params": p, "weight_decay": w} for w, p in groups.items() if p], lr=learning_rate, betas=betas,
            eps=epsilon)
        self.max_grad_norm = max_grad_norm

    def __call__(self, loss, measures):
        self.optimizer.zero_grad()
        loss.backward()
        norm = torch.nn.utils.clip_grad_norm_(self.parameters, self.max_grad_norm)
        self.optimizer.step()
        return {"loss": number(loss), "grad_norm": number(norm), **{k: number(v) for k, v in measures.items()}}


def number(value):
    return value.detach().double().item() if torch.is_tensor(value) else float(value)


def pairwise_measures(chosen, rejected):
    """Rewards of pairs; a tie is right half of the time."""
    chosen, rejected = chosen.detach(), rejected.detach()
    return {
        "rewards_chosen": chosen.mean(), "rewards_rejected": rejected.mean(),
        "rewards_margin": (chosen - rejected).mean(),
        "rewards_accuracy": ((1 + torch.sign(chosen - rejected)) / 2).mean()}


def checked(stage, name, function, model, settings, **more):
    """A run of float32, beside which one with float64 weights says how well its numbers are determined."""
    found, exact = (function(dtype, model, {**settings, **more}) for dtype in [torch.float32, torch.float64])
    apart = {}
    for a, b in zip(found, exact):
        for key in a:
            apart[key] = max(apart.get(key, 0), abs(a[key] - b[key]) / max(1e-2, abs(b[key])))
    worst = max(apart, key=apart.get)
    print(f"{stage} {name}: loss {found[0]['loss']:.4f} to {found[-1]['loss']:.4f}, apart: loss {apart['loss']:.1e}, "
          f"grad_norm {apart['grad_norm']:.1e}, most {worst} {apart[worst]:.1e}", flush=True)
    return {"name": name, "model": model, "settings": {**settings, **more}, "steps": found}


# Values

def tensor(values):
    return torch.tensor(values, dtype=torch.float64)


def value(name, function, inputs, learned, losses=True, **settings):
    """One entry of `values`.

    `function(**inputs, **settings)` gives the losses of the examples, whose mean is minimised, or (losses, loss), or
    (losses, loss, more to write down). `learned` names the inputs that have gradients; lists of lists may be ragged.
    """
    leaves = {}

    def leaf(key, item):
        if isinstance(item, list) and item and isinstance(item[0], list) and ragged(item):
            return [leaf(key, part) for part in item]
        if isinstance(item, list) and isinstance(item[0], (bool, str)):
            return torch.tensor(item) if isinstance(item[0], bool) else item
        found = tensor(item)
        if key in learned:
            found.requires_grad_(True)
            leaves.setdefault(key, []).append(found)
        return found

    tensors = {key: leaf(key, item) for key, item in inputs.items()}
    result = function(**tensors, **settings)
    each, loss, more = (
        (result, result.mean(), {}) if torch.is_tensor(result) else (*result, {}) if len(result) == 2 else result)
    loss.backward()
    gradients = {}
    for key in learned:
        found = [torch.zeros_like(l) if l.grad is None else l.grad for l in leaves[key]]
        gradients[key] = [g.tolist() for g in found] if isinstance(tensors[key], list) else found[0].tolist()
    entry = {"name": name, "settings": settings, "inputs": inputs}
    if losses and each is not None:
        entry["losses"] = each.tolist() if torch.is_tensor(each) else [e.tolist() for e in each]
    return {**entry, "loss": loss.item(), "gradients": gradients,
            **{k: v.tolist() if torch.is_tensor(v) else v for k, v in more.items()}}


def ragged(lists):
    return len({len(item) for item in lists}) > 1


# Writing

def write(name, fixture):
    OUT.mkdir(parents=True, exist_ok=True)
    text = laid_out(fixture, 4) + "\n"
    (OUT / f"{name}.json").write_text(text)
    return len(text)


def laid_out(item, depth, indent=""):
    """JSON with a line for each item down to a depth; what lies deeper is on one line."""
    compact = json.dumps(item, separators=(", ", ": "))
    if depth == 0 or not isinstance(item, (dict, list)) or len(compact) + len(indent) < 110:
        return compact
    inner = indent + " "
    if isinstance(item, dict):
        parts = [f"{json.dumps(k)}: {laid_out(v, depth - 1, inner)}" for k, v in item.items()]
    else:
        parts = [laid_out(v, depth - 1, inner) for v in item]
    opening, closing = "{}" if isinstance(item, dict) else "[]"
    return opening + "\n" + ",\n".join(inner + part for part in parts) + "\n" + indent + closing
