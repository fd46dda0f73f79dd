# Makes a GGUF file in the shape of Llama 2 7B (6.9 billion weights, Q4_K blocks of random numbers), takes two LoRA steps beside it as
# it lies, and prints what the plan says they need and what they took. The largest memory must stay below 10 GB.
# With:  gguf==0.19.0 numpy
# Run:   python scripts/benchmark/quantised_model.py PROGRAM FOLDER
#
# PROGRAM is anneal. FOLDER takes about 4 GB; what is made stays there.
import argparse
from pathlib import Path

import gguf
import numpy as np
from large_models import run, run_node, texts, tokenizer

WIDTH, INNER, LAYERS, HEADS, VOCABULARY = 4096, 11008, 32, 32, 32000
LIMIT = 10 * 10**9
BLOCK_WEIGHTS, BLOCK_BYTES = gguf.GGML_QUANT_SIZES[gguf.GGMLQuantizationType.Q4_K]

PIPELINE = """pipeline: quantised
nodes:
  model: {type: load_model, from: ./llama-7b-q4_k.gguf, weights: as_stored}
  tokenizer: {type: load_tokenizer, from: ./tokenizer}
  texts: {type: load_dataset, from: texts.txt, format: text}
  rendered: {type: apply_template, dataset: texts, tokenizer: tokenizer, template: auto}
  tokens: {type: tokenize, conversations: rendered, tokenizer: tokenizer, max_length: 128, overlong: truncate, packing: false}
  adapter: {type: attach_adapter, model: model, rank: 16, targets: [all_linear]}
  tuned: {type: train, model: adapter, data: tokens.train, max_steps: 2, batch_size: 1, recompute: block}
"""


def blocks(random, rows, columns):
    """Q4_K blocks with scales that make weights of a deviation of about 0.02."""
    data = random.integers(0, 256, (rows, columns // BLOCK_WEIGHTS, BLOCK_BYTES), dtype=np.uint8)
    for start, scale in ((0, 1.2e-4), (2, 9e-4)):
        data[:, :, start:start + 2] = np.frombuffer(np.float16(scale).tobytes(), dtype=np.uint8)
    return data.reshape(rows, -1)


def write(path):
    random = np.random.default_rng(1)
    writer = gguf.GGUFWriter(path, "llama")
    for add, value in [
        (writer.add_context_length, 2048), (writer.add_embedding_length, WIDTH), (writer.add_block_count, LAYERS),
        (writer.add_feed_forward_length, INNER), (writer.add_head_count, HEADS), (writer.add_head_count_kv, HEADS),
        (writer.add_layer_norm_rms_eps, 1e-5), (writer.add_rope_dimension_count, WIDTH // HEADS),
        (writer.add_vocab_size, VOCABULARY), (writer.add_bos_token_id, 256), (writer.add_eos_token_id, 257)]:
        add(value)
    # One block's numbers serve all blocks: only their sizes matter, and the file is made in seconds.
    matrices = {shape: blocks(random, *shape) for shape in [
        (VOCABULARY, WIDTH), (WIDTH, WIDTH), (INNER, WIDTH), (WIDTH, INNER)]}
    ones = np.ones(WIDTH, dtype=np.float32)

    def matrix(name, *shape):
        writer.add_tensor(f"{name}.weight", matrices[shape], raw_dtype=gguf.GGMLQuantizationType.Q4_K)

    matrix("token_embd", VOCABULARY, WIDTH)
    for layer in range(LAYERS):
        prefix = f"blk.{layer}."
        for name in ("attn_q", "attn_k", "attn_v", "attn_output"):
            matrix(prefix + name, WIDTH, WIDTH)
        for name in ("ffn_gate", "ffn_up"):
            matrix(prefix + name, INNER, WIDTH)
        matrix(prefix + "ffn_down", WIDTH, INNER)
        for name in ("attn_norm", "ffn_norm"):
            writer.add_tensor(f"{prefix}{name}.weight", ones)
    writer.add_tensor("output_norm.weight", ones)
    matrix("output", VOCABULARY, WIDTH)
    writer.write_header_to_file()
    writer.write_kv_data_to_file()
    writer.write_tensors_to_file()
    writer.close()


def main():
    parser = argparse.ArgumentParser()
    parser.add_argument("program", type=Path)
    parser.add_argument("folder", type=Path)
    arguments = parser.parse_args()
    program, folder = arguments.program.resolve(), arguments.folder.resolve()
    folder.mkdir(parents=True, exist_ok=True)
    model = folder / "llama-7b-q4_k.gguf"
    if not model.exists():
        write(model)
    print(f"{model.name}: {model.stat().st_size / 10**9:.2f} GB")
    tokenizer(folder / "tokenizer")
    texts(folder / "texts.txt", 2, 120)
    (folder / "quantised.yaml").write_text(PIPELINE)
    store = folder / "quantised.store"
    for node in ("adapter", "tokens"):
        run_node(program, folder, "quantised", node)
    _, _, out = run([program, "plan", "quantised.yaml", "tuned", "--store", str(store)], folder)
    print(out.rstrip())
    seconds, cpu, peak = run_node(program, folder, "quantised", "tuned")
    print(f"two steps: {seconds:.1f} s, {cpu:.1f} s of CPU, {peak / 10**9:.2f} GB ({peak / 2**30:.2f} GiB):",
          "holds" if peak < LIMIT else f"above {LIMIT // 10**9} GB")
    raise SystemExit(0 if peak < LIMIT else 1)


if __name__ == "__main__":
    main()
