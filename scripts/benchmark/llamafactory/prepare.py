# Makes what both programs start from, in the folder OUT:
#   model/    SmolLM2-135M-Instruct from its GGUF as a folder of transformers, float32, with the tokenizer that the GGUF
#             describes
#   adapter/  a fresh LoRA adapter for it: rank 8, alpha 16, all seven projections
# Run:      python prepare.py GGUF OUT
#
# transformers' own conversion of this tokenizer loses the split of numbers into digits that
# `tokenizer.ggml.pre = smollm` stands for, and names another end of text than the file does; both are put right here.
import sys
from pathlib import Path

import torch
from peft import LoraConfig, get_peft_model
from tokenizers import pre_tokenizers
from transformers import AutoModelForCausalLM, AutoTokenizer

TARGETS = ["q_proj", "k_proj", "v_proj", "o_proj", "gate_proj", "up_proj", "down_proj"]


def tokenizer_of(folder, file):
    tokenizer = AutoTokenizer.from_pretrained(folder, gguf_file=file)
    byte_level = pre_tokenizers.ByteLevel(add_prefix_space=False, use_regex=True)
    tokenizer.backend_tokenizer.pre_tokenizer = pre_tokenizers.Sequence(
        [pre_tokenizers.Digits(individual_digits=True), byte_level])
    for name, number in {"bos": 1, "eos": 2, "pad": 2, "unk": 0}.items():
        setattr(tokenizer, f"{name}_token", tokenizer.convert_ids_to_tokens(number))
    return tokenizer


def main():
    gguf, out = Path(sys.argv[1]), Path(sys.argv[2])
    model = AutoModelForCausalLM.from_pretrained(gguf.parent, gguf_file=gguf.name, dtype=torch.float32)
    model.config.bos_token_id, model.config.eos_token_id, model.config.pad_token_id = 1, 2, 2
    model.save_pretrained(out / "model")
    tokenizer_of(gguf.parent, gguf.name).save_pretrained(out / "model")
    torch.manual_seed(42)
    adapted = get_peft_model(model, LoraConfig(
        r=8, lora_alpha=16, lora_dropout=0.0, target_modules=TARGETS, task_type="CAUSAL_LM"))
    adapted.save_pretrained(out / "adapter")


if __name__ == "__main__":
    main()
