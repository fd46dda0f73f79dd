"""Makes a whole model folder so small that tests can run pipelines with it: Tests/Fixtures/Command/tiny.

A random Llama (2 blocks, 32 wide, grouped heads, tied head, bf16) with a byte-level BPE of 320 tokens trained on
data/assistant.jsonl, a ChatML template, and its greedy answers by transformers.

Versions: see requirements.txt. Run from the repository's root: python3 scripts/reference/tiny_project.py
"""

import json
import pathlib

import torch
from tokenizers import Tokenizer, decoders, models, pre_tokenizers, trainers
from transformers import AutoModelForCausalLM, LlamaConfig, LlamaForCausalLM, PreTrainedTokenizerFast

TEMPLATE = (
    "{% for message in messages %}{{ '<|im_start|>' + message['role'] + '\n' + message['content'] + '<|im_end|>' + '\n' }}"
    "{% endfor %}{% if add_generation_prompt %}{{ '<|im_start|>assistant\n' }}{% endif %}"
)


def main():
    folder = pathlib.Path("Tests/Fixtures/Command/tiny")
    folder.mkdir(parents=True, exist_ok=True)
    texts = [
        message["content"]
        for line in open("data/assistant.jsonl", encoding="utf-8")
        for message in json.loads(line)["messages"]
    ]
    tokenizer = Tokenizer(models.BPE())
    tokenizer.pre_tokenizer = pre_tokenizers.ByteLevel(add_prefix_space=False)
    tokenizer.decoder = decoders.ByteLevel()
    special = ["<|endoftext|>", "<|im_start|>", "<|im_end|>"]
    tokenizer.train_from_iterator(
        texts,
        trainers.BpeTrainer(
            vocab_size=320, special_tokens=special, initial_alphabet=pre_tokenizers.ByteLevel.alphabet()
        ),
    )
    fast = PreTrainedTokenizerFast(
        tokenizer_object=tokenizer, eos_token="<|im_end|>", pad_token="<|endoftext|>", chat_template=TEMPLATE
    )
    fast.save_pretrained(folder)

    torch.manual_seed(7)
    config = LlamaConfig(
        vocab_size=320, hidden_size=32, intermediate_size=64, num_hidden_layers=2, num_attention_heads=4,
        num_key_value_heads=2, max_position_embeddings=512, rope_theta=10000.0, tie_word_embeddings=True,
        eos_token_id=2, bos_token_id=0, pad_token_id=0, initializer_range=0.2,
    )
    LlamaForCausalLM(config).to(torch.bfloat16).save_pretrained(folder)

    model = AutoModelForCausalLM.from_pretrained(folder, dtype=torch.float32)
    answers = []
    for prompt in ["Who are you?", "What is a token?"]:
        ids = fast.apply_chat_template(
            [{"role": "user", "content": prompt}], add_generation_prompt=True, return_tensors="pt", return_dict=True
        )
        out = model.generate(**ids, max_new_tokens=24, do_sample=False)
        answers.append({"prompt": prompt, "ids": out[0, ids["input_ids"].shape[1]:].tolist()})
    pathlib.Path("Tests/Fixtures/Command/greedy.json").write_text(json.dumps(answers, indent=1) + "\n")


if __name__ == "__main__":
    main()
