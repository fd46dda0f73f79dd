# Makes: Tests/Fixtures/Training/options.json: twenty steps of the tiny `gqa` Llama each with parameter groups, LoRA+,
#        clipping by value, moving averages and blocks that take turns (LISA), as a plain PyTorch loop does them.
# With:  requirements.txt of this folder (torch 2.13.0+cpu, transformers 5.6.2, peft 0.18.1).
# Run:   python scripts/reference/training_options.py
#
# Rows, order, schedule and arithmetic are those of training.py, whose rows and adapters this script reads.
import json
import re

import torch
from peft import PeftModel, get_peft_model_state_dict
from tiny_llama import step_loss, tiny_model
from torch.optim.swa_utils import AveragedModel, get_ema_multi_avg_fn
from training import OUT, WARMUP, batches, sum_of_weights
from transformers import get_cosine_schedule_with_warmup

STEPS = 20


def saved_name(name):
    """The name of an adapter's parameter as its file has it."""
    return name.replace(".default", "")


def run(model, rows, rate, decay, groups=(), ratio=None, max_grad_norm=None, max_grad_value=None, average=None,
        interval=None, drawn=None):
    """`groups`: (expression, factor, decay or None, frozen), the first that is found in a name holds.

    `drawn`: the block that is trained in each step, for `interval` of them; it begins with a fresh state.
    """
    optimized = []
    for name, parameter in model.named_parameters():
        if not parameter.requires_grad:
            continue
        rule = next((g for g in groups if re.search(g[0], saved_name(name))), None)
        if rule and rule[3]:
            parameter.requires_grad = False
            continue
        own = 0.0 if "norm" in name or name.endswith(".bias") else decay
        factor = rule[1] if rule else ratio if ratio and ("lora_B" in name or parameter.ndim == 1) else 1.0
        optimized.append({
            "params": [parameter], "lr": rate * factor,
            "weight_decay": rule[2] if rule and rule[2] is not None else own})
    optimizer = torch.optim.AdamW(optimized, betas=(0.9, 0.98), eps=1e-8)
    schedule = get_cosine_schedule_with_warmup(optimizer, WARMUP, STEPS)
    trained = [p for p in model.parameters() if p.requires_grad]
    source, steps = batches(rows), []
    means = None
    for step in range(1, STEPS + 1):
        if drawn:
            for name, parameter in model.named_parameters():
                block = re.search(r"layers\.(\d+)\.", name)
                if block:
                    parameter.requires_grad = int(block[1]) == drawn[step - 1]
                    if (step - 1) % interval == 0:
                        optimizer.state.pop(parameter, None)
        optimizer.zero_grad()
        loss, _ = step_loss(model, next(source))
        loss.backward()
        norm = torch.nn.utils.get_total_norm([p.grad for p in trained if p.grad is not None])
        if max_grad_value:
            torch.nn.utils.clip_grad_value_(trained, max_grad_value)
        if max_grad_norm:
            torch.nn.utils.clip_grad_norm_(trained, max_grad_norm)
        rate_now = rate * schedule.lr_lambdas[0](step - 1)
        optimizer.step()
        schedule.step()
        steps.append({"loss": loss.item(), "grad_norm": norm.item(), "learning_rate": rate_now})
        if average:
            if average["warmup"]:
                share = 0.0 if step == 1 else min(average["decay"], (1 + step) / (10 + step))
                means = [p.detach().clone() if m is None else torch.lerp(m, p.detach(), 1 - share)
                         for m, p in zip(means or [None] * len(trained), trained)]
            else:
                if means is None:
                    means = AveragedModel(model, multi_avg_fn=get_ema_multi_avg_fn(average["decay"]))
                means.update_parameters(model)
    if average:
        averaged = means if average["warmup"] else [
            q for p, q in zip(model.parameters(), means.module.parameters()) if p.requires_grad]
        with torch.no_grad():
            for parameter, mean in zip(trained, averaged):
                parameter.copy_(mean)
    return steps


def main():
    rows = json.loads((OUT / "rows.json").read_text())

    def fresh(kind):
        if kind == "full":
            return tiny_model("gqa")
        return PeftModel.from_pretrained(tiny_model("gqa"), OUT / kind, is_trainable=True).eval()

    cases = {
        "lora_plus": ("adapter", dict(rate=1e-3, decay=0.01, ratio=16.0, max_grad_norm=1.0)),
        "groups": ("full", dict(rate=1e-3, decay=0.1, max_grad_norm=1.0, groups=[
            ("embed_tokens", 1.0, None, True), (r"layers\.1\.mlp", 0.5, 0.3, False), ("norm", 3.0, 0.2, False)])),
        "clip_value": ("full", dict(rate=1e-3, decay=0.1, max_grad_norm=0.05, max_grad_value=0.004)),
        "value_alone": ("adapter", dict(rate=5e-3, decay=0.0, max_grad_value=0.01)),
        "ema": ("adapter", dict(rate=5e-3, decay=0.0, max_grad_norm=1.0, average={"decay": 0.9, "warmup": False})),
        "ema_warm": ("adapter", dict(rate=5e-3, decay=0.0, max_grad_norm=1.0, average={"decay": 0.8, "warmup": True})),
    }
    # The draws of seed 42, which are ours.
    drawn = [0, 0, 0, 1, 1, 1, 1, 1, 1, 0, 0, 0, 0, 0, 0, 1, 1, 1, 0, 0]
    cases["lisa"] = ("full", dict(rate=1e-3, decay=0.1, max_grad_norm=1.0, interval=3, drawn=drawn))
    written = {}
    for name, (kind, options) in cases.items():
        model = fresh(kind)
        steps = run(model, rows, **options)
        named = model.named_parameters() if kind == "full" else get_peft_model_state_dict(model).items()
        written[name] = {"model": kind, **options, "steps": steps, "squares": sum_of_weights(named)}
    (OUT / "options.json").write_text(json.dumps(written, indent=1) + "\n")


if __name__ == "__main__":
    main()
