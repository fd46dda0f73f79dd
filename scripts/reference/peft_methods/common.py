# What PEFT computes with one adapter on a tiny Llama, and how it is written as a fixture: see __main__.py.
#
# A table of cases says for each one a `Case`: PEFT's configuration, the base and what is special about it.
# Sequences are computed one by one, without padding and mask. Everything is float32, as PEFT computes.
import json
import logging
import re
import sys
import tempfile
import warnings
from dataclasses import dataclass, field
from pathlib import Path
from typing import Callable

import torch
import transformers
from peft import PeftModel, get_peft_model, get_peft_model_state_dict
from safetensors import safe_open
from safetensors.torch import load_file, save_file
from transformers import LlamaConfig, LlamaForCausalLM

sys.path.append(str(Path(__file__).resolve().parents[1]))
from patterned import patterned  # noqa: E402
from tiny_llama import random_sequences  # noqa: E402

OUT = Path(__file__).resolve().parents[3] / "Tests/Fixtures/PEFTMethods"
LENGTHS = [11, 1, 7, 16]
RATE, DECAY, STEPS = 0.01, 0.01, 6
transformers.logging.set_verbosity_error()
transformers.logging.disable_progress_bar()
logging.getLogger("transformers").setLevel(logging.ERROR)
warnings.filterwarnings("ignore")
torch.set_num_threads(1)

SHAPE = dict(
    vocab_size=61, hidden_size=32, intermediate_size=48, num_hidden_layers=2, num_attention_heads=4,
    num_key_value_heads=2, max_position_embeddings=64, rms_norm_eps=1e-5, bos_token_id=1, eos_token_id=2,
    rope_parameters={"rope_type": "default", "rope_theta": 1000.0})
BASES = {
    "untied": dict(tie_word_embeddings=False),
    "tied": dict(tie_word_embeddings=True),
    "biased": dict(tie_word_embeddings=False, attention_bias=True, mlp_bias=True),
}
# Mean and amplitude of a tensor, by its name: the first that is found.
VALUES = [
    (r"lora_(A|B|embedding_A|embedding_B)\b", 0, 0.2),
    (r"lora_magnitude_vector", 1, 0.3),
    (r"ia3_l", 1, 0.3),
    (r"norm\.weight", 1, 0.2),
    (r"bias$", 0, 0.1),
    (r"embed_tokens|trainable_tokens", 0, 0.5),
    (r"", 0, 0.25),
]


@dataclass
class Case:
    """An adapter on a base."""
    configuration: Callable  # () -> PEFT's configuration, a new one at each call
    base: str = "untied"
    values: list = field(default_factory=list)  # before VALUES
    merges: bool = True
    kept: str = None  # saved tensors that are the base's own and stay as they are, a regular expression
    prepare: Callable = None  # (base) -> None, before the adapter is attached
    reloads: bool = True  # whether loading the saved folder gives the same logits
    more: Callable = None  # (case) -> entries of the fixture beside those of this file


def mean_and_amplitude(name, case=None):
    for pattern, mean, amplitude in (case.values if case else []) + VALUES:
        if re.search(pattern, name):
            return mean, amplitude


def described(tensors, case=None):
    found = []
    for name in sorted(tensors):
        mean, amplitude = mean_and_amplitude(name, case)
        found.append({"name": name, "shape": list(tensors[name].shape), "mean": mean, "amplitude": amplitude})
    return found


def formula(tensor):
    return tensor["mean"] + patterned(tensor["name"], tuple(tensor["shape"]), tensor["amplitude"])


def base_model(name):
    """The base with the values of the formula, nothing of it trainable."""
    config = LlamaConfig(**SHAPE, **BASES[name], attn_implementation="eager")
    model = LlamaForCausalLM(config).float().eval()
    with torch.no_grad():
        for parameter_name, parameter in model.named_parameters():
            mean, amplitude = mean_and_amplitude(parameter_name)
            parameter.copy_(mean + patterned(parameter_name, tuple(parameter.shape), amplitude))
    return model.requires_grad_(False)


def sequences():
    return random_sequences(SHAPE["vocab_size"], LENGTHS, seed=11)


def attached(case, seed=1):
    """A fresh adapter on the base."""
    torch.manual_seed(seed)
    base = base_model(case.base)
    if case.prepare:
        case.prepare(base)
    return get_peft_model(base, case.configuration()).eval()


def saved(model, **options):
    """(configuration, tensors) as save_pretrained writes them."""
    with tempfile.TemporaryDirectory() as folder:
        model.save_pretrained(folder, **options)
        config = json.loads((Path(folder) / "adapter_config.json").read_text())
        for key, value in config.items():
            if key.endswith("_modules") and isinstance(value, list):
                config[key] = sorted(value)  # PEFT holds them as sets and writes them in any order
        return config, dict(sorted(load_file(Path(folder) / "adapter_model.safetensors").items()))


def parameters_by_saved_name(model):
    """Every parameter that training changes or the folder holds, by the name in the folder, if it is there."""
    names = {}
    for name, tensor in get_peft_model_state_dict(model).items():
        names.setdefault(tensor.data_ptr(), name)
    found = {}
    for name, parameter in model.named_parameters():
        if parameter.data_ptr() in names:
            found[names[parameter.data_ptr()]] = parameter
        elif parameter.requires_grad:
            found[name.replace(".default", "")] = parameter
    for name, buffer in model.named_buffers():
        if buffer.data_ptr() in names:
            found[names[buffer.data_ptr()]] = buffer
    return found


def shared(model):
    """Saved tensors that are the same parameter as another one: {name: the other's name}."""
    first, found = {}, {}
    for name, tensor in get_peft_model_state_dict(model).items():
        if first.setdefault(tensor.data_ptr(), name) != name:
            found[name] = first[tensor.data_ptr()]
    return found


def set_by_formula(model, case):
    """Gives the adapter the values of the formula; returns the descriptions of its tensors."""
    parameters = {
        n: p for n, p in parameters_by_saved_name(model).items() if not case.kept or not re.search(case.kept, n)}
    descriptions = described(parameters, case)
    with torch.no_grad():
        for tensor in descriptions:
            parameters[tensor["name"]].copy_(formula(tensor))
    return descriptions


def logits_of(model, ids):
    return model(input_ids=torch.tensor([ids]), use_cache=False).logits[0].float()


def loss_of(model, rows):
    """Mean of -log p over the trained tokens of all sequences."""
    total, count = 0, 0
    for s in rows:
        p = torch.log_softmax(logits_of(model, s["ids"]).double(), dim=-1)
        for t in range(1, len(s["ids"])):
            if s["trained"][t]:
                total, count = total - p[t - 1, s["ids"][t]], count + 1
    return total / count


def places():
    """(sequence, position) of the logits that are written."""
    lengths = [len(s["ids"]) for s in sequences()]
    return sorted({(i, n - 1) for i, n in enumerate(lengths)} | {(3, 0), (3, 5), (0, 4)})


def written_logits(model):
    with torch.no_grad():
        all_logits = [logits_of(model, s["ids"]) for s in sequences()]
    return [[digits(x, 8) for x in all_logits[i][t].tolist()] for i, t in places()]


def digits(x, count=9):
    return float(f"{x:.{count}g}")


def sample(tensor, count=6):
    """Norm and a few values of a tensor, with their indices in its flat order."""
    flat = tensor.detach().double().flatten()
    at = sorted({i * len(flat) // count for i in range(count)})
    return {"norm": digits(flat.norm().item()), "at": at, "values": [digits(flat[i].item()) for i in at]}


def fresh(case):
    """How a new adapter starts: two with different seeds tell what is drawn."""
    base, first, second = base_model(case.base), attached(case, 1), attached(case, 2)
    one, other = parameters_by_saved_name(first), parameters_by_saved_name(second)
    tensors = {}
    for name in sorted(one):
        x, y = one[name].detach(), other[name].detach()
        if case.kept and re.search(case.kept, name):
            continue
        if not torch.equal(x, y):
            tensors[name] = {"drawn": {
                "least": digits(x.min().item(), 4), "largest": digits(x.max().item(), 4),
                "deviation": digits(x.double().pow(2).mean().sqrt().item(), 4)}}
        elif (x == x.flatten()[0]).all():
            tensors[name] = {"constant": x.flatten()[0].item()}
        else:
            tensors[name] = sample(x)
    with torch.no_grad():
        difference = max(
            (logits_of(base, s["ids"]) - logits_of(first, s["ids"])).abs().max().item() for s in sequences())
    return {"largest_logit_difference_from_base": digits(difference, 3), "tensors": tensors}


def stepped(model, rows, steps, optimizer=None):
    """Losses before each step of AdamW on all rows at once, and the optimizer."""
    if optimizer is None:
        optimizer = torch.optim.AdamW(
            [p for p in model.parameters() if p.requires_grad], lr=RATE, betas=(0.9, 0.999), eps=1e-8,
            weight_decay=DECAY)
    losses = []
    for _ in range(steps):
        optimizer.zero_grad()
        loss = loss_of(model, rows)
        losses.append(digits(loss.item()))
        loss.backward()
        optimizer.step()
    return losses, optimizer


def reloaded(model, case):
    """The folder that PEFT writes, loaded on a new base, to be trained further."""
    with tempfile.TemporaryDirectory() as folder:
        model.save_pretrained(folder)
        return PeftModel.from_pretrained(base_model(case.base), folder, is_trainable=True).eval()


def steps(case):
    """Six steps; three, saved, loaded, three with the optimizer's state carried over, and with a new optimizer."""
    rows = sequences()
    model = attached(case)
    set_by_formula(model, case)
    whole, _ = stepped(model, rows, STEPS)
    whole.append(digits(loss_of(model, rows).item()))
    made = {"rate": RATE, "betas": [0.9, 0.999], "epsilon": 1e-8, "weight_decay": DECAY, "losses": whole}
    if case.reloads:
        model = attached(case)
        set_by_formula(model, case)
        _, optimizer = stepped(model, rows, STEPS // 2)
        state = optimizer.state_dict()
        carried = reloaded(model, case)
        optimizer = torch.optim.AdamW([p for p in carried.parameters() if p.requires_grad], lr=RATE)
        optimizer.load_state_dict(state)
        losses, _ = stepped(carried, rows, STEPS // 2, optimizer)
        losses.append(digits(loss_of(carried, rows).item()))
        assert all(abs(a - b) < 2e-5 * abs(a) for a, b in zip(whole[3:], losses)), (whole, losses)
        anew = reloaded(model, case)
        losses, _ = stepped(anew, rows, STEPS // 2)
        made["losses_with_new_optimizer_after_3"] = losses + [digits(loss_of(anew, rows).item())]
    return made


def fixture(name, case):
    rows = sequences()
    model = attached(case)
    descriptions = set_by_formula(model, case)
    config, tensors = saved(model)
    by_name = {t["name"]: t for t in descriptions}
    trainable = sum(p.numel() for p in model.parameters() if p.requires_grad)
    loss = loss_of(model, rows)
    loss.backward()
    gradients = {
        n: sample(p.grad) for n, p in sorted(parameters_by_saved_name(model).items())
        if p.requires_grad and p.grad is not None}
    made = {
        "case": name, "base": case.base, "adapter_config": config,
        "saved": [{"name": n, "shape": list(t.shape)} for n, t in tensors.items()],
        "tensors": descriptions, "trainable": trainable, "logits": written_logits(model),
        "loss": digits(loss.item(), 12), "gradients": gradients}
    if shared(model):
        made["same_as"] = shared(model)
    for n, t in tensors.items():
        if n in by_name:
            assert torch.equal(t, formula(by_name[n])), n
    if case.reloads:
        again = written_logits(reloaded(model, case))
        assert close(again, made["logits"]), name
    if case.merges:
        made["merged_logits"] = written_logits(model.merge_and_unload())
    made["fresh"] = fresh(case)
    made["steps"] = steps(case)
    if case.more:
        made.update(case.more(case))
    write(name, made)


def close(a, b, tolerance=2e-4):
    return all(abs(x - y) <= tolerance for p, q in zip(a, b) for x, y in zip(p, q))


def base_fixture(name):
    model = base_model(name)
    tied = BASES[name]["tie_word_embeddings"]
    config = json.loads(model.config.to_json_string())
    tensors = {n: p for n, p in model.named_parameters() if not (tied and n == "lm_head.weight")}
    write(f"bases/{name}", {
        "variant": name, "config": config, "tensors": described(tensors), "sequences": sequences(),
        "places": places(), "logits": written_logits(model), "loss": digits(loss_of(model, sequences()).item(), 12)})


def write(name, made):
    path = OUT / f"{name}.json"
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(json.dumps(made, separators=(",", ":")) + "\n")
