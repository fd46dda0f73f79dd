# Makes: Tests/Fixtures/Training/{rows,full,adapter,rslora}.json and the PEFT folders {adapter,rslora} beside them:
#        ten steps of full fine-tuning and ten of LoRA of the tiny `gqa` Llama, loss and gradient norm of each.
# With:  requirements.txt of this folder (torch 2.13.0+cpu, transformers 5.6.2, peft 0.18.1).
# Run:   python scripts/reference/training.py
#
# The order is fixed: rows as they stand, four a step, the last step of an epoch takes what is left. Everything is
# float32. The optimizer is torch's AdamW with Hugging Face's two groups (no weight decay on norms and biases), the
# schedule transformers' cosine with warm-up, the gradient norm is clipped before the step; the norm written is the one
# before clipping, as the Trainer logs it.
import json

import torch
from peft import LoraConfig, get_peft_model, get_peft_model_state_dict
from tiny_llama import OUT as MODELS
from tiny_llama import random_sequences, step_loss, tiny_model
from transformers import get_cosine_schedule_with_warmup

OUT = MODELS.parent / "Training"
STEPS, BATCH, WARMUP = 10, 4, 2


def batches(rows):
    """The rows of each step, epoch after epoch."""
    while True:
        for start in range(0, len(rows), BATCH):
            yield rows[start : start + BATCH]


def parameter_groups(model, weight_decay):
    named = [(n, p) for n, p in model.named_parameters() if p.requires_grad]
    free = [p for n, p in named if "norm" in n or n.endswith(".bias")]
    decayed = [p for n, p in named if not ("norm" in n or n.endswith(".bias"))]
    return [{"params": decayed, "weight_decay": weight_decay}, {"params": free, "weight_decay": 0.0}]


def train(model, rows, learning_rate, weight_decay, betas, epsilon, max_grad_norm):
    """Ten steps: [{loss, grad_norm, learning_rate}]."""
    optimizer = torch.optim.AdamW(parameter_groups(model, weight_decay), lr=learning_rate, betas=betas, eps=epsilon)
    schedule = get_cosine_schedule_with_warmup(optimizer, WARMUP, STEPS)
    trainable = [p for p in model.parameters() if p.requires_grad]
    source, steps = batches(rows), []
    for _ in range(STEPS):
        loss, _ = step_loss(model, next(source))
        optimizer.zero_grad()
        loss.backward()
        norm = torch.nn.utils.clip_grad_norm_(trainable, max_grad_norm)
        rate = schedule.get_last_lr()[0]
        optimizer.step()
        schedule.step()
        steps.append({"loss": loss.item(), "grad_norm": norm.item(), "learning_rate": rate})
    return steps


def adapted(rank, alpha, rslora, targets):
    """The tiny model with an adapter whose B is not zero."""
    torch.manual_seed(rank)
    model = get_peft_model(tiny_model("gqa"), LoraConfig(
        r=rank, lora_alpha=alpha, lora_dropout=0.0, use_rslora=rslora, target_modules=targets, task_type="CAUSAL_LM"))
    with torch.no_grad():
        for name, parameter in model.named_parameters():
            if "lora_B" in name:
                parameter.copy_(0.1 * torch.randn_like(parameter))
    return model.eval()


def write(name, settings, steps, extra=None):
    (OUT / f"{name}.json").write_text(json.dumps({**settings, "steps": steps, **(extra or {})}, indent=1) + "\n")


def sum_of_weights(named):
    """Fingerprint of the trained parameters: the sum of the squares of each."""
    return {n: p.detach().double().square().sum().item() for n, p in named}


def main():
    OUT.mkdir(parents=True, exist_ok=True)
    rows = random_sequences(90, [21, 9, 33, 14, 26, 5, 40, 12, 18, 30, 7, 24, 11, 37], seed=5)
    (OUT / "rows.json").write_text(json.dumps(rows, separators=(",", ":")) + "\n")
    common = dict(betas=(0.9, 0.98), epsilon=1e-8)

    settings = dict(learning_rate=1e-3, weight_decay=0.1, max_grad_norm=1.0, **common)
    model = tiny_model("gqa")
    steps = train(model, rows, **settings)
    write("full", settings, steps, {"squares": sum_of_weights(model.named_parameters())})

    everything = ["q_proj", "k_proj", "v_proj", "o_proj", "gate_proj", "up_proj", "down_proj"]
    for folder, rank, alpha, rslora, targets in [
        ("adapter", 4, 8, False, everything),
        ("rslora", 3, 5, True, ["q_proj", "v_proj"]),
    ]:
        settings = dict(learning_rate=5e-3, weight_decay=0.01, max_grad_norm=1.5, **common)
        model = adapted(rank, alpha, rslora, targets)
        model.save_pretrained(OUT / folder)
        (OUT / folder / "README.md").unlink(missing_ok=True)
        config = json.loads((OUT / folder / "adapter_config.json").read_text())
        config["target_modules"].sort()  # a set in PEFT: its order differs from run to run
        (OUT / folder / "adapter_config.json").write_text(json.dumps(config, indent=2) + "\n")
        steps = train(model, rows, **settings)
        write(folder, settings, steps, {"squares": sum_of_weights(get_peft_model_state_dict(model).items())})


if __name__ == "__main__":
    main()
