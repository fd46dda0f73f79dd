# Makes: Tests/Fixtures/ExpertGGUF: GGUF files of tiny models with experts, laid out as llama.cpp's convert_hf_to_gguf.py does
#        (of May 2026), in blocks of several types, and expected.json with the logits that transformers gives for the
#        numbers in the files. The models are those of families/experts.py in other sizes.
# With:  requirements.txt of this folder (torch 2.13.0+cpu, transformers 5.6.2, gguf 0.19.0).
# Run:   python scripts/reference/expert_gguf.py [VARIANT ...]
#        python scripts/reference/expert_gguf.py --llama.cpp      compares the files' logits with those of llama-cpp-python
import json
import random
import sys
import tempfile
from pathlib import Path

import gguf
import numpy as np
from gguf import GGMLQuantizationType as Type

HERE = Path(__file__).resolve().parent
OUT = HERE.parents[1] / "Tests/Fixtures/ExpertGGUF"
TOKENS, ROWS = 16, [3, 9, 15]
SIZES = dict(vocab_size=48, hidden_size=32, intermediate_size=32, moe_intermediate_size=32)
MSCALE = {"rope_type": "yarn", "rope_theta": 1000.0, "factor": 4.0, "original_max_position_embeddings": 16,
          "beta_fast": 32.0, "beta_slow": 1.0, "mscale": 1.5, "mscale_all_dim": 1.5}
LATENT = dict(SIZES, kv_lora_rank=32, qk_nope_head_dim=6, qk_rope_head_dim=8, v_head_dim=8)
SOFTMAX, SIGMOID = gguf.ExpertGatingFuncType.SOFTMAX, gguf.ExpertGatingFuncType.SIGMOID
# The variant of experts.py, the architecture, the changes of its settings, and the types of the three stacks.
FILES = {
    "mixtral": ("mixtral", "llama", dict(SIZES, head_dim=8), (Type.Q4_0, Type.Q4_1, Type.Q8_0)),
    "qwen2_moe": (
        "qwen2_moe", "qwen2moe", dict(SIZES, intermediate_size=64, shared_expert_intermediate_size=64),
        (Type.Q8_0, Type.Q5_0, Type.Q5_1)),
    "qwen3_moe": ("qwen3_moe", "qwen3moe", dict(SIZES, head_dim=8), (Type.Q5_1, Type.F16, Type.Q4_0)),
    "olmoe": ("olmoe", "olmoe", SIZES, (Type.Q8_0, Type.Q8_0, Type.BF16)),
    "granitemoe": ("granitemoe", "granitemoe", SIZES, (Type.Q8_0, Type.Q4_0, Type.Q5_0)),
    "granitemoeshared": (
        "granitemoeshared", "granitemoe", dict(SIZES, shared_intermediate_size=64), (Type.F32, Type.Q8_0, Type.Q8_0)),
    "deepseek_v2": ("deepseek_v2", "deepseek2", dict(LATENT, q_lora_rank=32), (Type.Q8_0, Type.Q5_0, Type.Q4_1)),
    "deepseek_v2-mscale": (
        "deepseek_v2-mscale", "deepseek2", dict(LATENT, q_lora_rank=32, rope_parameters=MSCALE),
        (Type.Q8_0, Type.Q8_0, Type.F16)),
    "deepseek_v2-whole": ("deepseek_v2-lite", "deepseek2", LATENT, (Type.Q8_0, Type.Q8_0, Type.Q8_0)),
    "deepseek_v3": ("deepseek_v3", "deepseek2", dict(LATENT, q_lora_rank=32), (Type.Q8_0, Type.Q5_1, Type.Q8_0)),
    "gpt_oss": ("gpt_oss", "gpt-oss", dict(SIZES, head_dim=8), (Type.MXFP4, Type.MXFP4, Type.MXFP4)),
    "glm4_moe": ("glm4_moe", "glm4moe", dict(SIZES, head_dim=8), (Type.Q8_0, Type.Q4_1, Type.Q8_0)),
    "dots1": ("dots1", "dots1", dict(SIZES, head_dim=8, sliding_window=None), (Type.Q8_0, Type.Q8_0, Type.Q5_0)),
    "hunyuan_v1_moe": ("hunyuan_v1_moe", "hunyuan-moe", dict(SIZES, head_dim=8), (Type.Q8_0, Type.Q4_0, Type.Q8_0)),
    "ernie4_5_moe": ("ernie4_5_moe", "ernie4_5-moe", SIZES, (Type.Q8_0, Type.Q8_0, Type.Q8_0)),
}
PERMUTED = {"llama", "granitemoe"}
NAMES = {  # what gguf-py's own table does not map, as the converter renames it before
    "mlp.gate.e_score_correction_bias": "exp_probs_b.bias",
    "mlp.moe_statics.e_score_correction_bias": "exp_probs_b.bias",
    "self_attn.sinks": "attn_sinks.weight",
}


def permute(weights, heads):
    """As LlamaModel.permute."""
    return weights.reshape(heads, 2, weights.shape[0] // heads // 2, *weights.shape[1:]).swapaxes(1, 2).reshape(
        weights.shape)


def laid_out(tensors, config, architecture, whole):
    """The arrays of the file by name. Only moves numbers, so that it can be done to their places too."""
    layers = config["num_hidden_layers"]
    kind = next(k for k, v in gguf.MODEL_ARCH_NAMES.items() if v == architecture)
    known = gguf.get_tensor_name_map(kind, layers)
    made, experts = {}, {}
    for name, x in tensors.items():
        layer, rest = (name.split(".", 3)[2:] if ".layers." in name else (None, name))
        block = f"blk.{layer}."
        parts = rest.split(".")
        if "experts" in parts and parts[parts.index("experts") + 1].isdigit():
            number, what = parts[parts.index("experts") + 1:][:2]
            what = {"w1": "gate", "w3": "up", "w2": "down"}.get(what, what.removesuffix("_proj"))
            experts.setdefault(f"{block}ffn_{what}_exps.weight", {})[int(number)] = x
        elif rest == "block_sparse_moe.input_linear.weight":
            half = x.shape[1] // 2
            made[block + "ffn_gate_exps.weight"], made[block + "ffn_up_exps.weight"] = x[:, :half], x[:, half:]
        elif rest == "shared_mlp.input_linear.weight":
            half = x.shape[0] // 2
            made[block + "ffn_gate_shexp.weight"], made[block + "ffn_up_shexp.weight"] = x[:half], x[half:]
        elif rest == "shared_mlp.output_linear.weight":
            made[block + "ffn_down_shexp.weight"] = x
        elif rest.startswith("mlp.experts.gate_up_proj"):
            suffix = ".bias" if rest.endswith("_bias") else ".weight"
            for what, some in (("gate", x[..., ::2]), ("up", x[..., 1::2])):
                made[f"{block}ffn_{what}_exps{suffix}"] = some if suffix == ".bias" else some.swapaxes(1, 2)
        elif rest.startswith("mlp.experts.down_proj"):
            bias = rest.endswith("_bias")
            made[f"{block}ffn_down_exps{'.bias' if bias else '.weight'}"] = x if bias else x.swapaxes(1, 2)
        elif rest == "self_attn.kv_b_proj.weight" and not whole:
            heads = config["num_attention_heads"]
            both = x.reshape(heads, -1, x.shape[-1])
            still = config["qk_nope_head_dim"]
            made[block + "attn_k_b.weight"] = both[:, :still].swapaxes(1, 2)
            made[block + "attn_v_b.weight"] = both[:, still:]
        elif rest in NAMES:
            made[block + NAMES[rest]] = x
        else:
            if architecture in PERMUTED and rest.startswith(("self_attn.q_proj", "self_attn.k_proj")):
                heads = "num_attention_heads" if "q_proj" in rest else "num_key_value_heads"
                x = permute(x, config[heads])
            made[known.get_name(name, try_suffixes=(".weight", ".bias"))] = x
    for name, some in experts.items():
        made[name] = np.stack([some[i] for i in range(len(some))])
    assert None not in made, "a tensor without a name"
    return {name: np.ascontiguousarray(x) for name, x in made.items()}


def kind_of(name, shape, kinds):
    if len(shape) < 2 or "norm" in name or "ffn_gate_inp" in name or name.endswith("bias") or shape[-1] % 32:
        return Type.F32
    for what, kind in zip(("gate", "up", "down"), kinds):
        if f"ffn_{what}_exps" in name:
            return kind
    return Type.Q8_0


def write_keys(writer, config, architecture, whole):
    get, rope = config.get, config["rope_parameters"]
    heads = config["num_attention_heads"]
    latent = architecture == "deepseek2"
    head = get("head_dim") or config["hidden_size"] // heads
    writer.add_block_count(config["num_hidden_layers"])
    writer.add_context_length(config["max_position_embeddings"])
    writer.add_embedding_length(config["hidden_size"])
    writer.add_feed_forward_length(config["intermediate_size"])
    writer.add_head_count(heads)
    writer.add_head_count_kv(heads if whole else 1 if latent else config["num_key_value_heads"])
    writer.add_layer_norm_rms_eps(config["rms_norm_eps"])
    theta, kind = rope["rope_theta"], rope["rope_type"]
    if rope.get("alpha"):
        theta, kind = theta * rope["alpha"] ** (head / (head - 2)), "none"
        writer.add_rope_scaling_type(gguf.RopeScalingType.NONE)
    writer.add_rope_freq_base(theta)
    if kind == "yarn":
        writer.add_rope_scaling_type(gguf.RopeScalingType.YARN)
        writer.add_rope_scaling_factor(rope["factor"])
        writer.add_rope_scaling_orig_ctx_len(rope["original_max_position_embeddings"])
        writer.add_rope_scaling_yarn_beta_fast(rope["beta_fast"])
        writer.add_rope_scaling_yarn_beta_slow(rope["beta_slow"])
        if "mscale_all_dim" in rope:
            writer.add_rope_scaling_yarn_log_mul(0.1 * rope["mscale_all_dim"])
    turned = config["qk_rope_head_dim"] if latent else int(head * get("partial_rotary_factor", rope.get(
        "partial_rotary_factor", 1)))
    writer.add_rope_dimension_count(turned)
    if latent:
        both, value = turned + config["qk_nope_head_dim"], config["v_head_dim"]
        writer.add_kv_lora_rank(config["kv_lora_rank"])
        if get("q_lora_rank"):
            writer.add_q_lora_rank(config["q_lora_rank"])
        # As before April 2025, when the tensor was not split.
        writer.add_key_length(both if whole else config["kv_lora_rank"] + turned)
        writer.add_value_length(value if whole else config["kv_lora_rank"])
        if not whole:
            writer.add_key_length_mla(both)
            writer.add_value_length_mla(value)
    else:
        writer.add_key_length(head)
        writer.add_value_length(head)
    first = lambda *keys: next(config[k] for k in keys if k in config)
    writer.add_expert_count(first("n_routed_experts", "num_local_experts", "num_experts", "moe_num_experts"))
    writer.add_expert_used_count(first("num_experts_per_tok", "moe_topk", "moe_k"))
    if architecture in ("qwen2moe", "qwen3moe", "deepseek2", "dots1", "glm4moe", "ernie4_5-moe"):
        writer.add_expert_feed_forward_length(config["moe_intermediate_size"])
    if architecture == "gpt-oss":
        writer.add_expert_feed_forward_length(config["intermediate_size"])
        writer.add_sliding_window(config["sliding_window"])
    if architecture == "qwen2moe":
        writer.add_expert_shared_feed_forward_length(config["shared_expert_intermediate_size"])
    if architecture == "granitemoe":
        writer.add_attention_scale(config["attention_multiplier"])
        writer.add_embedding_scale(config["embedding_multiplier"])
        writer.add_residual_scale(config["residual_multiplier"])
        writer.add_logit_scale(config["logits_scaling"])
        if get("shared_intermediate_size"):
            writer.add_expert_shared_feed_forward_length(config["shared_intermediate_size"])
    if architecture in ("deepseek2", "dots1", "glm4moe"):
        writer.add_leading_dense_block_count(config["first_k_dense_replace"])
        writer.add_expert_shared_count(config["n_shared_experts"])
        writer.add_expert_weights_scale(config["routed_scaling_factor"])
        if get("norm_topk_prob"):
            writer.add_expert_weights_norm(True)
        if get("n_group"):
            writer.add_expert_group_count(config["n_group"])
            writer.add_expert_group_used_count(config["topk_group"])
        writer.add_expert_gating_func(SIGMOID if config["model_type"] != "deepseek_v2" else SOFTMAX)
    if architecture == "glm4moe":
        writer.add_nextn_predict_layers(0)
    if architecture == "hunyuan-moe":
        writer.add_expert_feed_forward_length(config["intermediate_size"])
        writer.add_expert_shared_feed_forward_length(config["intermediate_size"])
        writer.add_expert_shared_count(1)
    if architecture == "ernie4_5-moe":
        writer.add_interleave_moe_layer_step(config["moe_layer_interval"])
        writer.add_leading_dense_block_count(config["moe_layer_start_index"])
        writer.add_expert_shared_count(config["moe_num_shared_experts"])
        writer.add_expert_shared_feed_forward_length(
            config["moe_num_shared_experts"] * config["moe_intermediate_size"])
    writer.add_vocab_size(config["vocab_size"])
    writer.add_tokenizer_model("none")


def write(name):
    sys.path.append(str(HERE / "families"))
    import torch
    from common import Unclear, loaded, logits_of, tensors_of, write_folder
    from experts import VARIANTS
    from safetensors.torch import save_file

    variant, architecture, changes, kinds = FILES[name]
    whole = name.endswith("-whole")
    config_class, settings, options = VARIANTS[variant]
    known = {k: v for k, v in changes.items() if k in settings}
    with tempfile.TemporaryDirectory() as folder:
        config, _ = write_folder((config_class, {**settings, **known}, options), folder)
        tensors = {n: x.numpy() for n, x in tensors_of(folder).items()}
        places, start = {}, 0
        for n, x in tensors.items():
            places[n] = np.arange(start, start + x.size).reshape(x.shape)
            start += x.size
        flat = np.concatenate([x.ravel() for x in tensors.values()])
        writer = gguf.GGUFWriter(OUT / f"{name}.gguf", architecture)
        write_keys(writer, config, architecture, whole)
        for n, at in laid_out(places, config, architecture, whole).items():
            kind = kind_of(n, at.shape, kinds)
            raw = gguf.quantize(flat[at], kind)
            flat[at] = gguf.dequantize(raw, kind).reshape(at.shape)
            writer.add_tensor(n, raw, raw_dtype=kind)
        writer.write_header_to_file()
        writer.write_kv_data_to_file()
        writer.write_tensors_to_file()
        writer.close()
        rounded = {n: torch.from_numpy(flat[at].copy()) for n, at in places.items()}
        save_file(rounded, Path(folder) / "model.safetensors", metadata={"format": "pt"})
        model = loaded(folder, options)
        for seed in range(1000):
            ids = random.Random(seed).choices(range(config["vocab_size"]), k=TOKENS)
            try:
                with torch.no_grad():
                    logits = logits_of(model, ids)[ROWS]
            except Unclear:  # float noise could choose other experts
                continue
            return {"ids": ids, "logits": [[float(f"{x:.9g}") for x in row] for row in logits.tolist()]}
    raise AssertionError(f"{name}: no text whose tokens choose clearly")


def write_plain(path, plain):
    """The same file with all numbers in f32: llama.cpp rounds what it multiplies blocks with."""
    reader = gguf.GGUFReader(path)
    fields = [f for f in reader.fields.values() if not f.name.startswith("GGUF.")]
    writer = gguf.GGUFWriter(plain, next(f for f in fields if f.name == "general.architecture").contents())
    for field in fields:
        if field.name != "general.architecture":
            writer.add_key_value(field.name, field.contents(), field.types[0])
    for t in reader.tensors:
        numbers = gguf.dequantize(t.data, t.tensor_type)
        writer.add_tensor(t.name, np.ascontiguousarray(numbers.reshape(t.shape[::-1]), dtype=np.float32))
    writer.write_header_to_file()
    writer.write_kv_data_to_file()
    writer.write_tensors_to_file()
    writer.close()


def compare():
    """The largest difference of each file's logits from llama.cpp's. Files that differ from what it knows are not loaded:
    fewer key-value heads than heads in olmoe and dots1, deepseek_v2 without a short vector of queries; and it chooses the
    groups of deepseek_v2 in the way of deepseek_v3."""
    import llama_cpp

    expected = json.loads((OUT / "expected.json").read_text())["models"]
    llama_cpp.llama_backend_init()
    for name, values in expected.items():
        ids, rows = values["ids"], values["logits"]
        options = llama_cpp.llama_model_default_params()
        with tempfile.TemporaryDirectory() as folder:
            write_plain(OUT / f"{name}.gguf", folder + "/plain.gguf")
            model = llama_cpp.llama_model_load_from_file((folder + "/plain.gguf").encode(), options)
        if not model:
            print(f"{name:20} not loaded")
            continue
        settings = llama_cpp.llama_context_default_params()
        settings.n_ctx, settings.n_batch, settings.n_threads = 64, 64, 1
        context = llama_cpp.llama_init_from_model(model, settings)
        batch = llama_cpp.llama_batch_init(TOKENS, 0, 1)
        batch.n_tokens = TOKENS
        for i, token in enumerate(ids):
            batch.token[i], batch.pos[i], batch.n_seq_id[i], batch.seq_id[i][0], batch.logits[i] = token, i, 1, 0, True
        assert llama_cpp.llama_decode(context, batch) == 0
        found = [[llama_cpp.llama_get_logits_ith(context, i)[j] for j in range(48)] for i in ROWS]
        difference, size = np.abs(np.array(found) - np.array(rows)).max(), np.abs(np.array(rows)).max()
        print(f"{name:20} largest difference {difference:.2e} of logits up to {size:.2f}")


def main():
    if sys.argv[1:] == ["--llama.cpp"]:
        compare()
        return
    OUT.mkdir(parents=True, exist_ok=True)
    path = OUT / "expected.json"
    made = json.loads(path.read_text())["models"] if sys.argv[1:] else {}
    for name in sys.argv[1:] or FILES:
        made[name] = write(name)
        print(name, (OUT / f"{name}.gguf").stat().st_size)
    path.write_text(json.dumps({"rows": ROWS, "models": made}, separators=(",", ":")) + "\n")


if __name__ == "__main__":
    main()
