# What a tiny model of a family computes, by transformers, and how it is written as a fixture: see __main__.py.
#
# A table of variants says for each one (class of configuration, its settings, options). Options, all with defaults:
#   gguf            the architecture's name in gguf-py, if gguf knows it
#   values          [(regular expression, mean, amplitude)]: instead of what `mean_and_amplitude` says of a tensor
#   targets         LoRA's target modules, else all linear maps of the blocks; None: no adapter
#   lengths, seed   of the sequences
#   older           (config) -> None: what else than RoPE's settings transformers 4 spelled differently
#   attention       the implementation, if "eager" is wrong
#   prepare         [(model) -> None]: what is done with every model after it is loaded
#   more            (load, config, sequences, options) -> entries of the fixture beside those of this file
#   foreign         what makes the configuration and tensors of a class those of a family that has none: internlm2.py
#   model           the class of the model, else the one that AutoModelForCausalLM takes
#   taken           {key: value} of config.json that published files have and that change nothing
#   refused         [(key, value, message)]: what config.json must not say, and what is told of it
#   gguf_keys       {key: value}: what llama.cpp's converter writes under the architecture besides what all have
#   gguf_config     {key: value} of config.json as GGUF files have it, which do not say all
#
# Every tensor is mean + patterned(saved name, saved shape, amplitude) in float32. Sequences are computed one by one,
# without padding and mask, so that no family's way with padding is in the numbers.
import copy
import json
import logging
import random
import re
import sys
import tempfile
import warnings
from pathlib import Path

import gguf
import torch
import transformers
from peft import LoraConfig, get_peft_model, get_peft_model_state_dict
from safetensors.torch import load_file, save_file
from transformers import AutoModelForCausalLM
from transformers.pytorch_utils import Conv1D

sys.path.append(str(Path(__file__).resolve().parents[1]))
from patterned import patterned  # noqa: E402
from tiny_llama import random_sequences  # noqa: E402

OUT = Path(__file__).resolve().parents[3] / "Tests/Fixtures/Families"
LENGTHS = [23, 1, 9, 40, 2, 16]
EMBEDDING = r"embed_tokens|embed_in\b|word_embeddings|tok_embeddings|embed_positions|\bwte\b|\bwpe\b"
PROMPT, NEW, MARGIN = 10, 16, 1e-3
SUFFIXES = (".weight", ".bias")
RANK, ALPHA, AMPLITUDE = 4, 8, 0.2
transformers.logging.set_verbosity_error()
transformers.logging.disable_progress_bar()
logging.getLogger("transformers").setLevel(logging.ERROR)
warnings.filterwarnings("ignore")


class Unclear(AssertionError):
    """Something is chosen by so little that float noise could choose otherwise."""


def mean_and_amplitude(name, shape, options):
    """What makes the tensor like one of a trained model."""
    for pattern, mean, amplitude in options.get("values", []):
        if re.search(pattern, name):
            return mean, amplitude
    if name.endswith("bias"):
        return 0, 0.1
    if len(shape) == 1 or "norm" in name:
        return 1, 0.2
    return 0, 0.5 if re.search(EMBEDDING, name) else 0.25


def tensors_of(folder):
    """All tensors of a folder's files, by name."""
    found = {}
    for path in sorted(Path(folder).glob("*.safetensors")):
        found.update(load_file(path))
    return dict(sorted(found.items()))


def loaded(folder, options):
    kind = options.get("model", AutoModelForCausalLM)
    if "foreign" in options:
        with tempfile.TemporaryDirectory() as known:
            config = json.loads((Path(folder) / "config.json").read_text())
            (Path(known) / "config.json").write_text(json.dumps(options["foreign"].known_config(config)))
            tensors = options["foreign"].known_tensors(config, tensors_of(folder))
            save_file(tensors, Path(known) / "model.safetensors", metadata={"format": "pt"})
            return loaded(known, {k: v for k, v in options.items() if k != "foreign"})
    attention = options.get("attention", "eager")
    model = kind.from_pretrained(folder, dtype=torch.float32, attn_implementation=attention).eval()
    for prepare in options.get("prepare", []):
        prepare(model)
    return model


def saved(model, options):
    """(configuration, tensors) as save_pretrained writes them."""
    with tempfile.TemporaryDirectory() as folder:
        model.save_pretrained(folder)
        config, tensors = json.loads((Path(folder) / "config.json").read_text()), tensors_of(folder)
    if "foreign" in options:
        config = options["foreign"].config(config)
        tensors = options["foreign"].tensors(config, tensors)
    return config, dict(sorted(tensors.items()))


def write_folder(variant, folder):
    """Writes config.json and model.safetensors; gives the configuration and the descriptions of the tensors."""
    config_class, settings, options = variant
    config = config_class(**copy.deepcopy(settings))  # it writes into the dictionaries it is given
    kind = options.get("model")
    torch.manual_seed(1)
    made = kind(config) if kind else AutoModelForCausalLM.from_config(config)
    config, found = saved(made.float(), options)
    described = []
    for name, tensor in found.items():
        mean, amplitude = mean_and_amplitude(name, tensor.shape, options)
        described.append({"name": name, "shape": list(tensor.shape), "mean": mean, "amplitude": amplitude})
    values = {t["name"]: t["mean"] + patterned(t["name"], t["shape"], t["amplitude"]) for t in described}
    folder = Path(folder)
    folder.mkdir(parents=True, exist_ok=True)
    save_file(values, folder / "model.safetensors", metadata={"format": "pt"})
    for _ in range(2):  # a model that was loaded may say more in its configuration than one that was made
        (folder / "config.json").write_text(json.dumps(config, indent=2) + "\n")
        previous, (config, tensors) = config, saved(loaded(folder, options), options)
    assert config == previous, (config, previous)
    assert tensors.keys() == values.keys() and all(torch.equal(tensors[n], values[n]) for n in values)
    return config, described


def older_spelling(config, options):
    """config.json as transformers 4 wrote it."""
    older = json.loads(json.dumps(config))
    if "dtype" in older:
        older["torch_dtype"] = older.pop("dtype")
        older["transformers_version"] = "4.57.1"
    rope = older.pop("rope_parameters", None)
    if rope and "rope_theta" in rope:
        older["rope_theta"] = rope.pop("rope_theta")
        if "partial_rotary_factor" in rope:
            older["partial_rotary_factor"] = rope.pop("partial_rotary_factor")
        older["rope_scaling"] = rope if rope["rope_type"] != "default" else None
    if "older" in options:
        options["older"](older, rope)
    return older


def logits_of(model, ids):
    """(tokens, vocabulary) for one sequence."""
    return model(input_ids=torch.tensor([ids]), use_cache=False).logits[0, : len(ids)].float()


def loss_of(model, sequences):
    """Mean of -log p over the trained tokens of all sequences, and the logits of each."""
    total, count, logits = 0, 0, []
    for s in sequences:
        logits.append(logits_of(model, s["ids"]))
        p = torch.log_softmax(logits[-1].double(), dim=-1)
        for t in range(1, len(s["ids"])):
            if s["trained"][t]:
                total, count = total - p[t - 1, s["ids"][t]], count + 1
    return total / count, [x.detach() for x in logits]


def gradient_norms(model, options):
    """Norms under the names of saved tensors: the gradients are saved in place of the values they are of."""
    with torch.no_grad():
        for buffer in model.buffers():
            if buffer.is_floating_point():
                buffer.fill_(torch.nan)
        for parameter in model.parameters():
            parameter.copy_(torch.nan if parameter.grad is None else parameter.grad)
    _, gradients = saved(model, options)
    return {n: norm_of(g) for n, g in gradients.items() if not g.isnan().any()}


def greedy(model, vocabulary, end=2):
    """A prompt after which every token is chosen clearly, and the chosen ones, if possible not always the same."""
    found = []
    for seed in range(100):
        source = random.Random(seed)
        prompt = [source.randrange(vocabulary) for _ in range(PROMPT)]
        tokens = []
        while len(tokens) < NEW:
            try:
                best = logits_of(model, prompt + tokens)[-1].topk(2)
            except Unclear:
                break
            if best.values[0] - best.values[1] <= MARGIN or best.indices[0] == end:
                break
            tokens.append(best.indices[0].item())
        if len(tokens) == NEW:
            found.append((len(set(tokens)), {"prompt": prompt, "tokens": tokens}))
            if found[-1][0] >= 5:
                break
    return max(found, key=lambda f: f[0])[1]


def linear_maps(model):
    """Last parts of the names of all linear maps of the blocks."""
    head = model.get_output_embeddings()
    found = (n for n, m in model.named_modules() if isinstance(m, (torch.nn.Linear, Conv1D)) and m is not head)
    return sorted({n.split(".")[-1] for n in found})


def lora(model, sequences, options):
    targets = options.get("targets", linear_maps(model))
    if targets is None:
        return None
    if "foreign" in options:
        adapted, named = options["foreign"].adapted(model, targets, RANK, ALPHA / RANK)
    else:
        adapted = get_peft_model(model, LoraConfig(
            r=RANK, lora_alpha=ALPHA, lora_dropout=0.0, task_type="CAUSAL_LM", target_modules=targets)).eval()
        named = {n.replace(".default", ""): p for n, p in adapted.named_parameters() if "lora_" in n}
        assert named.keys() == get_peft_model_state_dict(adapted).keys()
    with torch.no_grad():
        for name, parameter in named.items():
            parameter.copy_(patterned(name, tuple(parameter.shape), AMPLITUDE))
    loss, _ = loss_of(adapted, sequences)
    loss.backward()
    return {"targets": targets, "rank": RANK, "alpha": ALPHA, "amplitude_a": AMPLITUDE, "amplitude_b": AMPLITUDE,
            "loss": digits(loss.item(), 12),
            "gradient_norms": {n: norm_of(named[n].grad) for n in sorted(named)}}


def gguf_names(names, config, options):
    architecture = options.get("gguf")
    if architecture is None:
        return None
    kind = next(k for k, v in gguf.MODEL_ARCH_NAMES.items() if v == architecture)
    layers = config.get("num_hidden_layers") or config.get("n_layer") or config.get("n_layers")
    known = gguf.get_tensor_name_map(kind, layers)

    def found(name):
        short = name.removeprefix("transformer.")  # as Bloom's converter does
        return known.get_name(name, try_suffixes=SUFFIXES) or known.get_name(short, try_suffixes=SUFFIXES)
    said = {k: options["gguf_" + k] for k in ("keys", "config") if "gguf_" + k in options}
    return {"architecture": architecture, "names": {n: found(n) for n in names}, **said}


def norm_of(gradient):
    """Zero if it is float noise about it, as for a bias of keys that moves all scores of a row alike."""
    norm = gradient.double().norm().item()
    return digits(norm) if norm > 1e-6 else 0.0


def digits(x, count=9):
    return float(f"{x:.{count}g}")


def rows_of(sequences):
    """The last position of every sequence and some within the longest."""
    longest = max(range(len(sequences)), key=lambda i: len(sequences[i]["ids"]))
    last = [(i, len(s["ids"]) - 1) for i, s in enumerate(sequences)]
    return sorted(set(last + [(longest, t) for t in (0, 7, 8, 9, 20)]))


def fixture(name, variant):
    options = variant[2]
    with tempfile.TemporaryDirectory() as folder, tempfile.TemporaryDirectory() as other:
        config, described = write_folder(variant, folder)
        model = loaded(folder, options)
        vocabulary = config["vocab_size"]
        sequences = random_sequences(vocabulary, options.get("lengths", LENGTHS), options.get("seed", 11))
        loss, logits = loss_of(model, sequences)
        loss.backward()
        rows = rows_of(sequences)

        older = older_spelling(config, options)
        Path(other, "config.json").write_text(json.dumps(older))
        save_file(tensors_of(folder), Path(other, "model.safetensors"), metadata={"format": "pt"})
        with torch.no_grad():
            for mine, theirs in zip(logits, loss_of(loaded(other, options), sequences)[1]):
                assert torch.equal(mine, theirs), f"{name}: the older spelling is read as something else"
            tokens = greedy(model, vocabulary)
        made = {
            "variant": name, "config": config, "older_config": older, "tensors": described, "sequences": sequences,
            "logits": {"rows": rows, "values": [[digits(x) for x in logits[i][t].tolist()] for i, t in rows]},
            "loss": digits(loss.item(), 12), "gradient_norms": gradient_norms(model, options), "greedy": tokens,
            "lora": lora(loaded(folder, options), sequences, options),
            "gguf": gguf_names([t["name"] for t in described], config, options)}
        if "taken" in options:
            made["taken"] = options["taken"]
        if "refused" in options:
            made["refused"] = [{"key": k, "value": v, "message": m} for k, v, m in options["refused"]]
        if "more" in options:
            made.update(options["more"](lambda: loaded(folder, options), config, sequences, options))
    OUT.mkdir(parents=True, exist_ok=True)
    (OUT / f"{name}.json").write_text(json.dumps(made, separators=(",", ":")) + "\n")
