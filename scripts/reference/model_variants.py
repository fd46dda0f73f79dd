# Makes: Tests/Fixtures/ModelVariants: tiny random Llama models that say one thing in an unusual way, and expected.json
#        with their last logits by transformers.
#          untied/        `tie_word_embeddings` is true, and the files hold a head that is not the embedding
#          llama31.gguf   Llama 3.1's scaling, as converters write it: a tensor `rope_freqs.weight`
#          factors.gguf   such a tensor with numbers that are no known recipe
# With:  requirements.txt of this folder (torch 2.13.0+cpu, transformers 5.6.2, gguf 0.19.0).
# Run:   python scripts/reference/model_variants.py
import json
import math
import shutil
from pathlib import Path

import gguf
import numpy as np
import torch
from safetensors.torch import save_file
from transformers import AutoModelForCausalLM, LlamaConfig, LlamaForCausalLM

OUT = Path(__file__).resolve().parents[2] / "Tests/Fixtures/ModelVariants"
IDS = [(7 * i + 3) % 40 for i in range(48)]
SHAPE = dict(vocab_size=40, hidden_size=16, intermediate_size=24, num_hidden_layers=1, num_attention_heads=2,
             num_key_value_heads=1, max_position_embeddings=16384, rms_norm_eps=1e-5, attn_implementation="eager")
BASE, FACTOR, OLD = 500000.0, 8.0, 8192
LLAMA3 = {"rope_type": "llama3", "rope_theta": BASE, "factor": FACTOR, "low_freq_factor": 1.0, "high_freq_factor": 4.0,
          "original_max_position_embeddings": OLD}
OWN = [1.5, 2.25, 3.0, 40.0]


def model(seed, rope, **options):
    torch.manual_seed(seed)
    made = LlamaForCausalLM(LlamaConfig(rope_parameters=rope, **SHAPE, **options)).float().eval()
    with torch.no_grad():
        for name, parameter in made.named_parameters():
            noise = torch.randn_like(parameter)
            parameter.copy_(1 + 0.2 * noise if "norm" in name else 0.4 * noise)
    return made


def logits(made):
    with torch.no_grad():
        return made(input_ids=torch.tensor([IDS])).logits[0, -1].float().tolist()


def llama3_factors():
    """As `generate_extra_tensors` of LlamaModel in llama.cpp's convert_hf_to_gguf.py."""
    dimension = SHAPE["hidden_size"] // SHAPE["num_attention_heads"]
    factors = []
    for frequency in 1.0 / (BASE ** (torch.arange(0, dimension, 2, dtype=torch.float32) / dimension)):
        wavelength = 2 * math.pi / frequency
        if wavelength < OLD / 4.0:
            factors.append(1.0)
        elif wavelength > OLD / 1.0:
            factors.append(FACTOR)
        else:
            smooth = (OLD / wavelength - 1.0) / (4.0 - 1.0)
            factors.append(1 / ((1 - smooth) / FACTOR + smooth))
    return [float(factor) for factor in factors]


def permute(weights, heads):
    """As LlamaModel.permute of llama.cpp's convert_hf_to_gguf.py."""
    return weights.reshape(heads, 2, weights.shape[0] // heads // 2, *weights.shape[1:]).swapaxes(1, 2).reshape(
        weights.shape)


def write_gguf(made, factors, path):
    config = made.config
    writer = gguf.GGUFWriter(path, "llama")
    writer.add_context_length(config.max_position_embeddings)
    writer.add_embedding_length(config.hidden_size)
    writer.add_block_count(config.num_hidden_layers)
    writer.add_feed_forward_length(config.intermediate_size)
    writer.add_head_count(config.num_attention_heads)
    writer.add_head_count_kv(config.num_key_value_heads)
    writer.add_layer_norm_rms_eps(config.rms_norm_eps)
    writer.add_rope_freq_base(BASE)
    writer.add_rope_dimension_count(config.hidden_size // config.num_attention_heads)
    writer.add_vocab_size(config.vocab_size)
    names = gguf.get_tensor_name_map(gguf.MODEL_ARCH.LLAMA, config.num_hidden_layers)
    writer.add_tensor("rope_freqs.weight", np.array(factors, dtype=np.float32))
    for name, tensor in made.state_dict().items():
        values = tensor.float().numpy()
        if name.endswith("q_proj.weight"):
            values = permute(values, config.num_attention_heads)
        if name.endswith("k_proj.weight"):
            values = permute(values, config.num_key_value_heads)
        writer.add_tensor(names.get_name(name, try_suffixes=(".weight",)), np.ascontiguousarray(values))
    writer.write_header_to_file()
    writer.write_kv_data_to_file()
    writer.write_tensors_to_file()
    writer.close()


def main():
    shutil.rmtree(OUT, ignore_errors=True)
    OUT.mkdir(parents=True)
    expected = {}

    made = model(1, {"rope_type": "default", "rope_theta": 10000.0})
    made.config.tie_word_embeddings = True
    (OUT / "untied").mkdir()
    save_file({name: tensor.contiguous() for name, tensor in made.state_dict().items()},
              OUT / "untied/model.safetensors", metadata={"format": "pt"})
    made.config.architectures = ["LlamaForCausalLM"]
    made.config.save_pretrained(OUT / "untied")
    loaded = AutoModelForCausalLM.from_pretrained(OUT / "untied", dtype=torch.float32, attn_implementation="eager")
    assert not torch.equal(loaded.lm_head.weight, loaded.model.embed_tokens.weight)
    expected["untied"] = logits(loaded.eval())

    made = model(2, LLAMA3, tie_word_embeddings=False)
    write_gguf(made, llama3_factors(), OUT / "llama31.gguf")
    expected["llama31.gguf"] = logits(made)

    rope = {"rope_type": "longrope", "rope_theta": BASE, "short_factor": OWN, "long_factor": OWN, "factor": 1.0,
            "attention_factor": 1.0, "original_max_position_embeddings": 16384}
    made = model(3, rope, tie_word_embeddings=False)
    write_gguf(made, OWN, OUT / "factors.gguf")
    expected["factors.gguf"] = logits(made)

    (OUT / "expected.json").write_text(json.dumps({"ids": IDS, "logits": expected}, separators=(",", ":")) + "\n")
    for path in OUT.rglob("*"):
        path.chmod(0o755 if path.is_dir() else 0o644)


if __name__ == "__main__":
    main()
