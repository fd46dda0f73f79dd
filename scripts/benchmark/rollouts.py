# Times eight answers to each of eight prompts of data/arithmetic.jsonl by transformers' `generate` and by a round of Anneal's `grpo`,
# in turn, and prints the ratios by tokens.
# With:  torch==2.13.0+cpu transformers==5.6.2 gguf==0.19.0
# Run:   python scripts/benchmark/rollouts.py PROGRAM MODEL.gguf FOLDER [--compute f32,int16,…] [--dtype float32] [--rounds 2]
#
# PROGRAM is anneal. A round's answers are timed from the node's first line of progress to its last about answers; the step that learns
# from them is not part of it. Both sample at a temperature of 1 and end at the model's end marks.
import argparse
import json
import shutil
import subprocess
import time
from pathlib import Path

import torch
from transformers import AutoModelForCausalLM, AutoTokenizer

PROMPTS, ANSWERS, LONGEST = 8, 8, 128
DATA = Path(__file__).resolve().parents[2] / "data" / "arithmetic.jsonl"
PIPELINE = """pipeline: rollouts
nodes:
  tokenizer: {{type: load_tokenizer, from: {model}}}
  model: {{type: load_model, from: {model}, compute: {compute}}}
  adapter: {{type: attach_adapter, model: model, method: lora, rank: 16, targets: all_linear}}
  problems: {{type: load_dataset, from: problems.jsonl, format: prompt, keep_columns: [answer]}}
  prompts: {{type: apply_template, dataset: problems, tokenizer: tokenizer, template: auto}}
  tokens: {{type: tokenize, conversations: prompts, tokenizer: tokenizer, max_length: 192}}
  grpo:
    type: train
    stage: grpo
    model: adapter
    tokenizer: tokenizer
    data: tokens.train
    rewards: [{{type: answer, source: marker}}]
    generations: {answers}
    batch_size: {prompts}
    max_completion: {longest}
    max_steps: 1
    learning_rate: 1.0e-4
    schedule: {{type: constant}}
    seed: {seed}
"""


def theirs(model, tokenizer, prompts, seed):
    """(seconds, tokens) of transformers."""
    torch.manual_seed(seed)
    inputs = tokenizer.apply_chat_template(
        prompts, add_generation_prompt=True, padding=True, return_tensors="pt", return_dict=True)
    start = time.monotonic()
    with torch.no_grad():
        out = model.generate(
            **inputs, do_sample=True, temperature=1.0, top_k=0, top_p=1.0, num_return_sequences=ANSWERS,
            max_new_tokens=LONGEST, pad_token_id=tokenizer.pad_token_id)
    seconds = time.monotonic() - start
    ends = {tokenizer.eos_token_id}
    tokens = 0
    for row in out[:, inputs["input_ids"].shape[1]:].tolist():
        tokens += next((index + 1 for index, token in enumerate(row) if token in ends), len(row))
    return seconds, tokens


def ours(program, folder, model, compute, seed):
    """(seconds, tokens) of a round of Anneal."""
    (folder / "rollouts.yaml").write_text(PIPELINE.format(
        model=model, compute=compute, answers=ANSWERS, prompts=PROMPTS, longest=LONGEST, seed=seed))
    command = [program, "run", "rollouts.yaml", "--json", "--store", str(folder / "store")]
    process = subprocess.Popen(command, cwd=folder, stdout=subprocess.PIPE, text=True)
    first = last = None
    for line in process.stdout:
        event, now = json.loads(line), time.monotonic()
        if "answers to prompts" in json.dumps(event):
            first, last = first or now, now
    if process.wait() or first is None:
        raise SystemExit(f"{' '.join(map(str, command))} failed")
    found = [json.loads(line) for path in (folder / "results").rglob("metrics.jsonl") for line in path.read_text().splitlines()]
    mean = next(record["completion_tokens"] for record in reversed(found))
    return last - first, round(mean * PROMPTS * ANSWERS)


def main():
    parser = argparse.ArgumentParser()
    parser.add_argument("program", type=Path)
    parser.add_argument("model", type=Path)
    parser.add_argument("folder", type=Path)
    parser.add_argument("--compute", default="auto")
    parser.add_argument("--dtype", default="float32")
    parser.add_argument("--rounds", type=int, default=2)
    arguments = parser.parse_args()
    program, folder, path = arguments.program.resolve(), arguments.folder.resolve(), arguments.model.resolve()
    folder.mkdir(parents=True, exist_ok=True)
    lines = DATA.read_text().splitlines()[:PROMPTS]
    (folder / "problems.jsonl").write_text("\n".join(lines) + "\n")
    tokenizer = AutoTokenizer.from_pretrained(path.parent, gguf_file=path.name, padding_side="left")
    if tokenizer.pad_token_id is None:
        tokenizer.pad_token = tokenizer.eos_token
    prompts = [json.loads(line)["prompt"] for line in lines]
    for dtype in arguments.dtype.split(","):
        model = AutoModelForCausalLM.from_pretrained(
            path.parent, gguf_file=path.name, dtype=getattr(torch, dtype)).eval()
        for compute in arguments.compute.split(","):
            for seed in range(1, arguments.rounds + 1):
                seconds, tokens = theirs(model, tokenizer, prompts, seed)
                rate = tokens / seconds
                print(f"transformers {dtype}: {seconds:.1f} s, {tokens} tokens, {rate:.1f} tokens/s", flush=True)
                shutil.rmtree(folder / "store", ignore_errors=True)
                seconds, tokens = ours(program, folder, path, compute, seed)
                print(f"anneal {compute}: {seconds:.1f} s, {tokens} tokens, {tokens / seconds:.1f} tokens/s, "
                      f"{tokens / seconds / rate:.2f} times", flush=True)


if __name__ == "__main__":
    main()
