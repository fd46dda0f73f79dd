# Checks: folders that Anneal exported, by loading them in transformers (a folder with config.json) or in peft on top of
#         a base (a folder with adapter_config.json): every tensor must be used, none newly initialised; the tokenizer
#         must load; and greedy continuations must be the ones that Anneal made.
# With:   requirements.txt of this folder (torch 2.13.0+cpu, transformers 5.6.2, peft 0.18.1).
# Run:    python scripts/reference/check_export.py FOLDER... [--base FOLDER] [--ours FILE] [--answers FILE]
#
# --ours is JSON: {"<name of the folder>": [{"prompt": "text" or [ids], "ids": [ids that follow]}, ...], ...}. --answers is
# the answers.jsonl of a `predict` node without `system` and with `temperature: 0`, whose model is that of every folder;
# for a pipeline such as pipelines/sft-then-dpo.yaml, run with `compute: f32`:
#
#     python scripts/reference/check_export.py results/sft-then-dpo/adapter_folder --base FOLDER \
#       --answers results/sft-then-dpo/dpo_answers/answers.jsonl
#
# Everything is computed in float32 by whole passes. Where the two part, the lead of the likeliest token is shown: below
# about 1e-3 it is rounding. Exits 1 when anything is wrong.
import argparse
import json
import sys
from pathlib import Path

import torch
from peft import PeftModel
from safetensors import safe_open
from transformers import AutoModelForCausalLM, AutoTokenizer


def load_model(folder):
    model, report = AutoModelForCausalLM.from_pretrained(
        folder, dtype=torch.float32, attn_implementation="eager", output_loading_info=True)
    wrong = {kind: sorted(map(str, keys)) for kind, keys in report.items() if keys}
    return model.eval(), [f"{kind}: {keys[:5]}" for kind, keys in wrong.items()]


def load_adapter(folder, base):
    config = json.loads((folder / "adapter_config.json").read_text())
    model, problems = load_model(base or config["base_model_name_or_path"])
    model = PeftModel.from_pretrained(model, folder).eval()
    with safe_open(folder / "adapter_model.safetensors", framework="pt") as file:
        stored = {name: file.get_tensor(name) for name in file.keys()}
    found = {n.replace(".default", ""): p for n, p in model.named_parameters() if "lora_" in n}
    problems += [f"peft did not use {name}" for name in stored.keys() - found.keys()]
    problems += [f"peft made {name} up" for name in found.keys() - stored.keys()]
    problems += [f"{name} differs in peft" for name in stored.keys() & found.keys()
                 if not torch.equal(stored[name].float(), found[name].detach().float())]
    return model, problems


def compare(model, prompt, ours):
    """None where the model continues as ours does; otherwise where they part."""
    ids = list(prompt)
    for position, token in enumerate(ours):
        with torch.no_grad():
            logits = model(input_ids=torch.tensor([ids])).logits[0, -1].float()
        best = logits.topk(2)
        if int(best.indices[0]) != token:
            lead = float(best.values[0] - logits[token])
            return f"token {position}: ours {token}, theirs {int(best.indices[0])}, which leads by {lead:.2g}"
        ids.append(token)
    return None


def compare_answer(model, tokenizer, row):
    """None where the model answers as ours does, in its own template; otherwise what it says instead."""
    text = tokenizer.apply_chat_template(
        [{"role": "user", "content": row["prompt"]}], tokenize=False, add_generation_prompt=True)
    ids = tokenizer(text, add_special_tokens=False).input_ids
    start, length = len(ids), row["tokens"] + (row["ending"] == "stop")
    with torch.no_grad():
        while len(ids) < start + length:
            ids.append(int(model(input_ids=torch.tensor([ids])).logits[0, -1].argmax()))
    theirs = tokenizer.decode(ids[start : start + row["tokens"]])
    if theirs != row["answer"]:
        return f"{row['prompt']!r}: ours {row['answer']!r}, theirs {theirs!r}"
    if row["ending"] == "stop" and ids[-1] != tokenizer.eos_token_id:
        return f"{row['prompt']!r}: ours stops, theirs goes on with {tokenizer.decode(ids[-1:])!r}"
    return None


def check(folder, base, rows, answers):
    is_adapter = (folder / "adapter_config.json").exists()
    model, problems = load_adapter(folder, base) if is_adapter else load_model(folder)
    tokenizer = None
    if (folder / "tokenizer.json").exists():
        tokenizer = AutoTokenizer.from_pretrained(folder)
        if len(tokenizer) > model.get_input_embeddings().weight.shape[0]:
            problems.append(f"the tokenizer has {len(tokenizer)} tokens, more than the model")
    elif not is_adapter:
        problems.append("no tokenizer.json")
    for row in rows:
        prompt = row["prompt"]
        if isinstance(prompt, str):
            prompt = tokenizer(prompt, add_special_tokens=False).input_ids
        if difference := compare(model, prompt, row["ids"]):
            problems.append(difference)
    for row in answers:
        if difference := compare_answer(model, tokenizer, row):
            problems.append(difference)
    kind = "adapter" if is_adapter else f"model, {sum(p.numel() for p in model.parameters()):,} parameters"
    print(f"{folder}: {kind}; {len(rows) + len(answers)} continuations; {'ok' if not problems else ''}")
    for problem in problems:
        print(f"  {problem}")
    return not problems


def main():
    parser = argparse.ArgumentParser()
    parser.add_argument("folders", nargs="+", type=Path)
    parser.add_argument("--base", type=Path, help="the base of adapters; otherwise what adapter_config.json names")
    parser.add_argument("--ours", type=Path, help="JSON of our continuations")
    parser.add_argument("--answers", type=Path, help="answers.jsonl of a node `predict`")
    arguments = parser.parse_args()
    ours = json.loads(arguments.ours.read_text()) if arguments.ours else {}
    answers = [json.loads(line) for line in arguments.answers.read_text().splitlines()] if arguments.answers else []
    results = [check(folder, arguments.base, ours.get(folder.name, []), answers) for folder in arguments.folders]
    sys.exit(0 if all(results) else 1)


if __name__ == "__main__":
    main()
