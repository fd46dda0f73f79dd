# InternLM2, which transformers does not have: its own code (modeling_internlm2.py of internlm/internlm2-7b) computes
# what Llama does, with query, key and value in one map and other names. See common.py.
import re

import torch
from dense import HEADS, rope
from transformers import LlamaConfig

NAMES = {
    "model.embed_tokens.weight": "model.tok_embeddings.weight", "lm_head.weight": "output.weight",
    "self_attn.o_proj": "attention.wo", "mlp.gate_proj": "feed_forward.w1", "mlp.up_proj": "feed_forward.w3",
    "mlp.down_proj": "feed_forward.w2", "input_layernorm": "attention_norm", "post_attention_layernorm": "ffn_norm"}
SAME = ["bos_token_id", "eos_token_id", "pad_token_id", "hidden_act", "hidden_size", "initializer_range",
        "intermediate_size", "max_position_embeddings", "num_attention_heads", "num_hidden_layers",
        "num_key_value_heads", "rms_norm_eps", "tie_word_embeddings", "use_cache", "vocab_size"]
FUSED = r"(model\.layers\.\d+\.)attention\.wqkv\.weight"


def renamed(name, names):
    for old, new in names.items():
        if re.search(rf"(^|\.){re.escape(old)}(\.|$)", name):
            return name.replace(old, new)
    return name


def groups(config):
    """(key-value heads, query heads of each, numbers of a head)"""
    heads, kv = config["num_attention_heads"], config["num_key_value_heads"]
    return kv, heads // kv, config["hidden_size"] // heads


class InternLM2:
    @staticmethod
    def config(llama):
        scaling = {k: v for k, v in llama["rope_parameters"].items() if k not in ("rope_type", "rope_theta")}
        return {
            "architectures": ["InternLM2ForCausalLM"], "model_type": "internlm2", "bias": False,
            "rope_theta": llama["rope_parameters"]["rope_theta"],
            "rope_scaling": {"type": llama["rope_parameters"]["rope_type"], **scaling}, "torch_dtype": "float32",
            "transformers_version": "4.41.0", **{k: llama.get(k) for k in SAME}}

    @staticmethod
    def known_config(config):
        return {"architectures": ["LlamaForCausalLM"], "model_type": "llama", "rope_theta": config["rope_theta"],
                "rope_scaling": config["rope_scaling"], **{k: config[k] for k in SAME}}

    @staticmethod
    def tensors(config, llama):
        """Rows of a fused map: for every key-value head its query heads, its key, its value."""
        kv, _, size = groups(config)
        made = {}
        for name, tensor in llama.items():
            if name.endswith("q_proj.weight"):
                parts = [llama[name.replace("q_proj", p)].reshape(kv, -1, size, tensor.shape[1])
                         for p in ("q_proj", "k_proj", "v_proj")]
                fused = torch.cat(parts, dim=1).reshape(-1, tensor.shape[1])
                made[name.replace("self_attn.q_proj", "attention.wqkv")] = fused.contiguous()
            elif not name.endswith(("k_proj.weight", "v_proj.weight")):
                made[renamed(name, NAMES)] = tensor
        return made

    @staticmethod
    def known_tensors(config, tensors):
        kv, shared, size = groups(config)
        made = {}
        for name, tensor in tensors.items():
            if layer := re.fullmatch(FUSED, name):
                parts = tensor.reshape(kv, shared + 2, size, -1).split([shared, 1, 1], dim=1)
                for letter, part in zip("qkv", parts):
                    rows = part.reshape(-1, tensor.shape[1]).contiguous()
                    made[f"{layer[1]}self_attn.{letter}_proj.weight"] = rows
            else:
                made[renamed(name, {v: k for k, v in NAMES.items()})] = tensor
        return made

    @staticmethod
    def adapted(model, targets, rank, scale):
        """PEFT's sum under InternLM2's names: weight + scale * B A, of fused maps as well."""
        config = InternLM2.config(model.config.to_dict())
        base = InternLM2.tensors(config, {n: p.detach() for n, p in model.named_parameters()})
        named = {}
        for name, weight in base.items():
            if name.split(".")[-2] in targets:
                prefix = f"base_model.model.{name.removesuffix('weight')}"
                named[f"{prefix}lora_A.weight"] = torch.zeros(rank, weight.shape[1], requires_grad=True)
                named[f"{prefix}lora_B.weight"] = torch.zeros(weight.shape[0], rank, requires_grad=True)

        def forward(**inputs):
            changed = dict(base)
            for name in named:
                if "lora_A" in name:
                    key = name.removeprefix("base_model.model.").replace("lora_A.", "")
                    changed[key] = base[key] + scale * named[name.replace("lora_A", "lora_B")] @ named[name]
            return torch.func.functional_call(model, InternLM2.known_tensors(config, changed), kwargs=inputs)
        return forward, named


VARIANTS = {
    "internlm2": (
        LlamaConfig, dict({k: v for k, v in HEADS.items() if k != "head_dim"}, rms_norm_eps=1e-5,
                          rope_parameters=rope("dynamic", factor=2.0)),
        dict(gguf="internlm2", foreign=InternLM2, targets=["wqkv", "wo", "w1", "w2", "w3"])),
}
