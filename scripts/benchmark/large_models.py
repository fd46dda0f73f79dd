# Makes and runs: two synthetic models that are large in different ways, and prints what they cost.
#   dense    1.5 billion parameters in the shape of Llama (24 blocks): three LoRA steps on 512 tokens, then eight tokens of an answer
#   experts  models of 7,500, 15,000 and 30,000 tensors in the shape of Qwen 3 with experts: inspect, one LoRA step, merge,
#            export; the times of twice as many tensors should be about twice as long
# With:  numpy.
# Run:   python scripts/benchmark/large_models.py PROGRAM FOLDER [dense] [experts] [--tensors N,N,…]
#
# PROGRAM is anneal. FOLDER takes about 3 GB for `dense`, 0.5 GB for `experts`; what is made stays there.
import argparse
import json
import os
import resource
import shutil
import subprocess
import time
from pathlib import Path

import numpy as np

TENSORS_A_FILE = 2000
WORDS = "the lamp of a ship on rough water can be seen from every hill near old harbour walls while rain falls".split()
LIMIT = 8 << 30  # bytes that the dense model may take


class Writer:
    """Writes tensors in bfloat16 as files of a model folder, a few thousand to a file."""

    def __init__(self, folder):
        self.folder, self.random = folder, np.random.default_rng(1)
        self.waiting, self.files, self.count, self.parameters = [], [], 0, 0
        folder.mkdir(parents=True, exist_ok=True)

    def add(self, name, *shape):
        """Normal numbers of a small deviation; ones where there is one extent."""
        self.waiting.append((name, shape))
        self.count, self.parameters = self.count + 1, self.parameters + int(np.prod(shape))
        if len(self.waiting) == TENSORS_A_FILE:
            self.flush()

    def flush(self):
        header, end = {"__metadata__": {"format": "pt"}}, 0
        for name, shape in self.waiting:
            start, end = end, end + 2 * int(np.prod(shape))
            header[name] = {"dtype": "BF16", "shape": list(shape), "data_offsets": [start, end]}
        text = json.dumps(header, separators=(",", ":")).encode()
        text += b" " * (-len(text) % 8)
        name = f"part-{len(self.files)}.safetensors"
        with open(self.folder / name, "wb") as file:
            file.write(len(text).to_bytes(8, "little") + text)
            for _, shape in self.waiting:
                file.write(self.values(shape).tobytes())
        self.files.append((name, [name for name, _ in self.waiting]))
        self.waiting = []

    def values(self, shape):
        if len(shape) == 1:
            numbers = np.ones(shape, dtype=np.float32)
        else:
            numbers = self.random.standard_normal(shape, dtype=np.float32) * np.float32(0.02)
        return (numbers.view(np.uint32) >> 16).astype("<u2")

    def finish(self, configuration):
        if self.waiting:
            self.flush()
        if len(self.files) == 1:
            os.rename(self.folder / self.files[0][0], self.folder / "model.safetensors")
        else:
            names = {tensor: file for file, tensors in self.files for tensor in tensors}
            index = {"metadata": {"total_size": 2 * self.parameters}, "weight_map": names}
            (self.folder / "model.safetensors.index.json").write_text(json.dumps(index))
        # Last, so that a folder with it is whole.
        (self.folder / "config.json").write_text(json.dumps(configuration, indent=1) + "\n")


def configuration(kind, model_class, **values):
    return dict(
        values, architectures=[model_class], model_type=kind, hidden_act="silu", max_position_embeddings=2048,
        rms_norm_eps=1e-5, rope_theta=10000.0, torch_dtype="bfloat16", bos_token_id=256, eos_token_id=257)


def attention(writer, prefix, width, heads, key_value_heads, size):
    for name, rows, columns in [
        ("q_proj", heads * size, width), ("k_proj", key_value_heads * size, width),
        ("v_proj", key_value_heads * size, width), ("o_proj", width, heads * size)]:
        writer.add(f"{prefix}self_attn.{name}.weight", rows, columns)
    for name in ("input_layernorm", "post_attention_layernorm"):
        writer.add(f"{prefix}{name}.weight", width)


def feed_forward(writer, prefix, width, inner):
    for name, rows, columns in [("gate_proj", inner, width), ("up_proj", inner, width), ("down_proj", width, inner)]:
        writer.add(f"{prefix}{name}.weight", rows, columns)


def dense(folder):
    """1.46 billion parameters."""
    width, inner, layers, heads, key_value_heads, vocabulary = 2048, 7168, 24, 16, 8, 49152
    writer = Writer(folder)
    writer.add("model.embed_tokens.weight", vocabulary, width)
    for layer in range(layers):
        prefix = f"model.layers.{layer}."
        attention(writer, prefix, width, heads, key_value_heads, width // heads)
        feed_forward(writer, f"{prefix}mlp.", width, inner)
    writer.add("model.norm.weight", width)
    writer.finish(configuration(
        "llama", "LlamaForCausalLM", hidden_size=width, intermediate_size=inner, num_hidden_layers=layers,
        num_attention_heads=heads, num_key_value_heads=key_value_heads, vocab_size=vocabulary,
        tie_word_embeddings=True))
    return writer


def experts(folder, tensors):
    """About so many tensors, by the number of blocks: a block has 393."""
    width, inner, heads, size, count, vocabulary = 64, 16, 4, 16, 128, 512
    layers = round(tensors / (3 * count + 9))
    writer = Writer(folder)
    writer.add("model.embed_tokens.weight", vocabulary, width)
    for layer in range(layers):
        prefix = f"model.layers.{layer}."
        attention(writer, prefix, width, heads, 1, size)
        for name in ("q_norm", "k_norm"):
            writer.add(f"{prefix}self_attn.{name}.weight", size)
        writer.add(f"{prefix}mlp.gate.weight", count, width)
        for expert in range(count):
            feed_forward(writer, f"{prefix}mlp.experts.{expert}.", width, inner)
    writer.add("model.norm.weight", width)
    writer.finish(configuration(
        "qwen3_moe", "Qwen3MoeForCausalLM", hidden_size=width, intermediate_size=4 * inner, num_hidden_layers=layers,
        num_attention_heads=heads, num_key_value_heads=1, head_dim=size, vocab_size=vocabulary,
        tie_word_embeddings=True, num_experts=count, num_experts_per_tok=4, moe_intermediate_size=inner,
        norm_topk_prob=True, decoder_sparse_step=1, mlp_only_layers=[]))
    return writer


def tokenizer(folder):
    """Bytes as tokens."""
    folder.mkdir(parents=True, exist_ok=True)
    plain = [*range(33, 127), *range(161, 173), *range(174, 256)]
    others = [byte for byte in range(256) if byte not in plain]
    letters = [chr(byte) for byte in plain] + [chr(256 + index) for index in range(len(others))]
    special = [
        {"id": 256 + index, "content": content, "single_word": False, "lstrip": False, "rstrip": False,
         "normalized": False, "special": True} for index, content in enumerate(["<s>", "</s>"])]
    bytes_of_text = {"type": "ByteLevel", "add_prefix_space": False, "trim_offsets": True, "use_regex": True}
    (folder / "tokenizer.json").write_text(json.dumps({
        "version": "1.0", "truncation": None, "padding": None, "added_tokens": special, "normalizer": None,
        "pre_tokenizer": bytes_of_text, "post_processor": None, "decoder": bytes_of_text,
        "model": {
            "type": "BPE", "dropout": None, "unk_token": None, "continuing_subword_prefix": None,
            "end_of_word_suffix": None, "fuse_unk": False, "byte_fallback": False, "ignore_merges": False,
            "vocab": {letter: index for index, letter in enumerate(letters)}, "merges": []}}))
    (folder / "tokenizer_config.json").write_text(json.dumps({
        "bos_token": "<s>", "eos_token": "</s>", "tokenizer_class": "PreTrainedTokenizerFast",
        "chat_template": "{% for m in messages %}{{ m.content }}{% endfor %}"}))


def texts(path, rows, length):
    """Rows of words, each of `length` bytes."""
    source = np.random.default_rng(2)
    lines = [" ".join(source.choice(WORDS, length))[:length].strip() for _ in range(rows)]
    path.write_text("\n".join(lines) + "\n")


PIPELINE = """pipeline: large
nodes:
  model: {{type: load_model, from: {model}}}
  tokenizer: {{type: load_tokenizer, from: ./tokenizer}}
  texts: {{type: load_dataset, from: texts.txt, format: text}}
  rendered: {{type: apply_template, dataset: texts, tokenizer: tokenizer, template: auto}}
  tokens: {{type: tokenize, conversations: rendered, tokenizer: tokenizer, max_length: 512, overlong: truncate, packing: false}}
  adapter: {{type: attach_adapter, model: model, rank: 8, targets: [all_linear]}}
  tuned: {{type: train, model: adapter, data: tokens.train, max_steps: {steps}, batch_size: 1, recompute: block}}
"""
ANSWER = "  answers: {type: predict, model: tuned.model, tokenizer: tokenizer, prompts: [What is a lamp?], max_tokens: 8}\n"
MERGE = """  merged: {type: merge, model: tuned.model}
  folder: {type: export, model: merged, tokenizer: tokenizer}
"""


def run(command, folder):
    """(seconds, seconds of CPU, standard output) of a program and all that it starts."""
    before, start = resource.getrusage(resource.RUSAGE_CHILDREN), time.monotonic()
    done = subprocess.run(command, cwd=folder, capture_output=True, text=True)
    seconds, after = time.monotonic() - start, resource.getrusage(resource.RUSAGE_CHILDREN)
    if done.returncode:
        raise SystemExit(f"{' '.join(map(str, command))}: {done.returncode}\n{done.stderr[-4000:]}")
    return seconds, after.ru_utime - before.ru_utime + after.ru_stime - before.ru_stime, done.stdout


def run_node(program, folder, name, node):
    """(seconds, seconds of CPU, the largest memory of a node) of a node and those before it that have not run."""
    command = [program, "run", f"{name}.yaml", node, "--json", "--store", str(folder / f"{name}.store")]
    seconds, cpu, out = run(command, folder)
    events = [json.loads(line) for line in out.splitlines()]
    peaks = [event["record"]["peak_memory"] or 0 for event in events if event["event"] == "node_ended"]
    return seconds, cpu, max(peaks, default=0)


def measure_dense(program, folder):
    name, largest = "dense", 0
    if not (folder / name / "config.json").exists():
        print("made", dense(folder / name).parameters, "parameters")
    texts(folder / "texts.txt", 4, 512)
    (folder / f"{name}.yaml").write_text(PIPELINE.format(model=f"./{name}", steps=3) + ANSWER)
    for node in ("adapter", "tuned", "answers"):
        seconds, cpu, peak = run_node(program, folder, name, node)
        largest = max(largest, peak)
        print(f"{name} {node}: {seconds:.1f} s, {cpu:.1f} s of CPU, {peak / 2**30:.2f} GiB", flush=True)
    print(f"{name}: at most {largest / 2**30:.2f} GiB:", "holds" if largest < LIMIT else f"above {LIMIT >> 30} GiB")
    return largest < LIMIT


def measure_experts(program, folder, sizes):
    texts(folder / "texts.txt", 4, 128)
    rows = []
    for tensors in sizes:
        name = f"experts-{tensors}"
        if not (folder / name / "config.json").exists():
            print("made", experts(folder / name, tensors).count, "tensors")
        (folder / f"{name}.yaml").write_text(PIPELINE.format(model=f"./{name}", steps=1) + MERGE)
        shutil.rmtree(folder / f"{name}.store", ignore_errors=True)
        times = {"inspect": run([program, "inspect", f"./{name}"], folder)[:2]}
        for node in ("adapter", "tuned", "merged", "folder"):
            times[node] = run_node(program, folder, name, node)[:2]
        rows.append(times)
        parts = (f"{node} {seconds:.1f} s ({cpu:.1f} of CPU)" for node, (seconds, cpu) in times.items())
        print(f"{name}:", ", ".join(parts), flush=True)
    held = True
    for previous, row, size, next_size in zip(rows, rows[1:], sizes, sizes[1:]):
        ratios = {node: row[node][1] / previous[node][1] for node in row}
        print(f"CPU {size} → {next_size}:", ", ".join(f"{node} × {ratio:.2f}" for node, ratio in ratios.items()))
        # Twice as many tensors take four times as long where the time is quadratic.
        expected = next_size / size
        held = held and all(ratio < 1.5 * expected for ratio in ratios.values())
    return held


def main():
    parser = argparse.ArgumentParser()
    parser.add_argument("program", type=Path)
    parser.add_argument("folder", type=Path)
    parser.add_argument("what", nargs="*", help="dense, experts; both unless given")
    parser.add_argument("--tensors", default="7500,15000,30000")
    arguments = parser.parse_args()
    program, folder = arguments.program.resolve(), arguments.folder.resolve()
    tokenizer(folder / "tokenizer")
    what, held = arguments.what or ["dense", "experts"], True
    if "experts" in what:
        held = measure_experts(program, folder, [int(size) for size in arguments.tensors.split(",")]) and held
    if "dense" in what:
        held = measure_dense(program, folder) and held
    raise SystemExit(0 if held else 1)


if __name__ == "__main__":
    main()
