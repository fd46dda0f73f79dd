# Prompt tuning, p-tuning and prefix tuning: virtual tokens before the text, as embeddings or as keys and values.
import json
import tempfile
from pathlib import Path

import torch
from common import (
    DECAY, RATE, STEPS, base_model, close, described, digits, formula, places, sample, sequences, write)
from peft import PeftModel, PrefixTuningConfig, PromptEncoderConfig, PromptTuningConfig, get_peft_model
from safetensors.torch import load_file


class Values:
    values = [(r"embedding", 0, 0.5), (r"weight", 0, 0.4), (r"bias", 0, 0.2)]


def logits_of(model, ids, virtual=0):
    """Those of the text alone."""
    return model(input_ids=torch.tensor([ids]), use_cache=False).logits[0, virtual:].float()


def loss_of(model, rows, virtual):
    total, count = 0, 0
    for s in rows:
        p = torch.log_softmax(logits_of(model, s["ids"], virtual).double(), dim=-1)
        for t in range(1, len(s["ids"])):
            if s["trained"][t]:
                total, count = total - p[t - 1, s["ids"][t]], count + 1
    return total / count


def written(model, virtual):
    with torch.no_grad():
        found = [logits_of(model, s["ids"], virtual) for s in sequences()]
    return [[digits(x, 8) for x in found[i][t].tolist()] for i, t in places()]


def prompt(configuration, base="untied", number=5):
    """The configuration is a function, as PEFT writes into it."""
    def attached(seed):
        torch.manual_seed(seed)
        return get_peft_model(base_model(base), configuration()).eval()

    def trainable(model):
        return {n.replace(".default", ""): p for n, p in model.named_parameters() if p.requires_grad}

    def set_by_formula(model):
        parameters = trainable(model)
        descriptions = described(parameters, Values)
        with torch.no_grad():
            for tensor in descriptions:
                parameters[tensor["name"]].copy_(formula(tensor))
        return descriptions

    def make(name):
        model = attached(1)
        prefix = model.peft_config["default"].peft_type == "PREFIX_TUNING"
        virtual = 0 if prefix else number
        drawn = {}
        for n, p in trainable(model).items():
            drawn[n] = {"least": digits(p.min().item(), 4), "largest": digits(p.max().item(), 4),
                        "deviation": digits(p.detach().double().pow(2).mean().sqrt().item(), 4)}
        descriptions = set_by_formula(model)
        rows = sequences()
        loss = loss_of(model, rows, virtual)
        loss.backward()
        with tempfile.TemporaryDirectory() as folder:
            model.save_pretrained(folder)
            config = json.loads((Path(folder) / "adapter_config.json").read_text())
            tensors = load_file(Path(folder) / "adapter_model.safetensors")
            again = PeftModel.from_pretrained(base_model(base), folder).eval()
            assert close(written(again, virtual), written(model, virtual)), name
        made = {
            "case": name, "base": base, "virtual_tokens": number, "adapter_config": config,
            "saved": [{"name": n, "shape": list(t.shape), **sample(t)} for n, t in tensors.items()],
            "tensors": descriptions, "trainable": sum(p.numel() for p in trainable(model).values()),
            "logits": written(model, virtual), "loss": digits(loss.item(), 12),
            "gradients": {n: sample(p.grad) for n, p in sorted(trainable(model).items())}, "fresh": {"drawn": drawn}}

        # The same through PEFT's labels: those of the virtual tokens are left out.
        s = rows[3]
        labels = torch.tensor([[i if t else -100 for i, t in zip(s["ids"], s["trained"])]])
        theirs = model(input_ids=torch.tensor([s["ids"]]), labels=labels, use_cache=False).loss
        assert abs(theirs - loss_of(model, [s], virtual)) < 1e-5, name

        optimizer = torch.optim.AdamW(trainable(model).values(), lr=RATE, weight_decay=DECAY)
        losses = []
        for _ in range(STEPS):
            optimizer.zero_grad()
            value = loss_of(model, rows, virtual)
            losses.append(digits(value.item()))
            value.backward()
            optimizer.step()
        losses.append(digits(loss_of(model, rows, virtual).item()))
        made["steps"] = {"rate": RATE, "betas": [0.9, 0.999], "epsilon": 1e-8, "weight_decay": DECAY, "losses": losses}
        write(name, made)
    return make


CAUSAL = dict(task_type="CAUSAL_LM", num_virtual_tokens=5)
CASES = {
    "prompt": prompt(lambda: PromptTuningConfig(**CAUSAL)),
    "prompt-tied": prompt(lambda: PromptTuningConfig(**CAUSAL), base="tied"),
    "prompt-vocabulary": prompt(lambda: PromptTuningConfig(**CAUSAL, prompt_tuning_init="SAMPLE_VOCAB")),
    "p-tuning-mlp": prompt(lambda: PromptEncoderConfig(**CAUSAL, encoder_hidden_size=12)),
    "p-tuning-lstm": prompt(lambda: PromptEncoderConfig(
        **CAUSAL, encoder_hidden_size=7, encoder_reparameterization_type="LSTM", encoder_num_layers=2)),
    "prefix": prompt(lambda: PrefixTuningConfig(**CAUSAL)),
    "prefix-projected": prompt(lambda: PrefixTuningConfig(**CAUSAL, prefix_projection=True, encoder_hidden_size=12)),
}
