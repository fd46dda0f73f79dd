"""Trains a LoRA adapter with TRL on Anneal's token shards, and saves it as PEFT does.

    python3 train_trl.py --base inputs/base --tokenizer inputs/tokenizer --tokens inputs/tokens --held inputs/held \
        --adapter outputs/adapter --metrics outputs/metrics --steps 20

Runs where torch runs: on a GPU where there is one, else on the CPU.
"""
import argparse
import json
import math
import os

import torch
from datasets import Dataset
from peft import LoraConfig
from transformers import AutoModelForCausalLM, PreTrainedTokenizerFast
from trl import SFTConfig, SFTTrainer

from token_shards import rows


def load_base(folder):
    """A `model` of Anneal's: the base's files are in `base`."""
    folder = os.path.join(folder, "base")
    files = [name for name in os.listdir(folder) if name.endswith(".gguf")]
    options = {"gguf_file": files[0]} if files else {}
    return AutoModelForCausalLM.from_pretrained(folder, dtype=torch.float32, **options)


def samples(folder):
    """What `SFTTrainer` takes as prepared: ids, and a mask of what is learned."""
    sequences = [sequence for row in rows(folder) for sequence in row["sequences"]]
    return Dataset.from_list([
        {"input_ids": s["ids"], "completion_mask": [int(label != -100) for label in s["labels"]]} for s in sequences])


parser = argparse.ArgumentParser()
for name in ("base", "tokenizer", "tokens", "held", "adapter", "metrics"):
    parser.add_argument(f"--{name}", required=True)
parser.add_argument("--steps", type=int, required=True)
parser.add_argument("--rank", type=int, default=8)
parser.add_argument("--learning-rate", type=float, default=1e-3)
parser.add_argument("--threads", type=int)
options = parser.parse_args()
if options.threads:
    torch.set_num_threads(options.threads)

held = samples(options.held)
trainer = SFTTrainer(
    model=load_base(options.base),
    processing_class=PreTrainedTokenizerFast.from_pretrained(options.tokenizer),
    train_dataset=samples(options.tokens),
    eval_dataset=held,
    peft_config=LoraConfig(
        r=options.rank, lora_alpha=2 * options.rank, target_modules="all-linear", task_type="CAUSAL_LM"),
    args=SFTConfig(
        output_dir="work", max_steps=options.steps, per_device_train_batch_size=4, learning_rate=options.learning_rate,
        lr_scheduler_type="cosine", max_length=None, completion_only_loss=True, logging_steps=5, save_strategy="no",
        # One batch: the mean is over all label tokens, as `evaluate` has it.
        per_device_eval_batch_size=len(held), report_to="none", seed=1, bf16=False,
    ),
)
trainer.train()
loss = trainer.evaluate()["eval_loss"]
trainer.model.save_pretrained(options.adapter)
labels = sum(sum(sample["completion_mask"][1:]) for sample in held)
with open(os.path.join(options.metrics, "metrics.json"), "w") as file:
    json.dump({"loss": loss, "label_tokens": labels, "perplexity": math.exp(loss)}, file)
