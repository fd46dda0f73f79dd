# Variants of the families without experts that are Llama's kin: see common.py. `classic.py` has the older ones.
import copy

from transformers import (
    Cohere2Config, CohereConfig, Ernie4_5Config, Exaone4Config, Gemma2Config, Gemma3TextConfig, GemmaConfig, Glm4Config,
    GlmConfig, GraniteConfig, HunYuanDenseV1Config, LlamaConfig, MinistralConfig, MistralConfig, Olmo2Config,
    Olmo3Config, OlmoConfig, Phi3Config, Qwen2Config, Qwen3Config, SeedOssConfig, SmolLM3Config)

IDS = dict(bos_token_id=1, eos_token_id=2, pad_token_id=None)
# Grouped queries (4 heads over 2), sizes that fill no vector, heads of a size of their own.
GROUPED = dict(
    vocab_size=50, hidden_size=40, intermediate_size=42, num_hidden_layers=2, num_attention_heads=4,
    num_key_value_heads=2, max_position_embeddings=128, attention_dropout=0.0, **IDS)
HEADS = dict(GROUPED, head_dim=12)
ROPE = {"rope_type": "default", "rope_theta": 1000.0}
ROOT = dict(rms_norm_eps=1e-5, rope_parameters=ROPE)
LAYER = dict(layer_norm_eps=1e-5, rope_parameters=ROPE)
SLIDING, FULL = "sliding_attention", "full_attention"
WINDOW = dict(sliding_window=8, layer_types=[SLIDING, FULL])
# Norms that add one to their weight; embeddings that are scaled up leave the blocks something to say.
GEMMA = {"values": [(r"norm\.weight$", 0, 0.2), ("embed_tokens", 0, 0.15)]}
SHORT, LONG = [1.0, 1.25, 1.5, 2.0, 2.5, 3.0], [1.0, 2.0, 3.5, 5.0, 8.0, 12.0]


def rope(kind, **settings):
    return {"rope_type": kind, "rope_theta": 1000.0, **settings}


def kind_as_type(config, scaling):
    """The key of the first files with scaled RoPE."""
    scaling["type"] = scaling.pop("rope_type")


def longrope_older(config, scaling):
    """The original length stood beside RoPE's settings."""
    kind_as_type(config, scaling)
    del scaling["original_max_position_embeddings"]


def by_pattern(period):
    """One number in place of the layers' types."""
    def older(config, _):
        del config["layer_types"]
        config["sliding_window_pattern"] = period
    return older


def without_types(config, _):
    """The layers' types follow from the other keys."""
    del config["layer_types"]


def gemma3_older(config, settings):
    """One base for each kind of layer, the scaling only of full attention."""
    config["rope_theta"] = settings[FULL].pop("rope_theta")
    config["rope_local_base_freq"] = settings[SLIDING]["rope_theta"]
    config["rope_scaling"] = settings[FULL]
    by_pattern(3)(config, settings)


def olmo3_rope(model):
    """Only full attention has scaled RoPE. transformers 4.57 did it so; 5.6.2 says so and gives all layers the same."""
    config = copy.deepcopy(model.config)
    config.rope_parameters = rope("default")
    plain = type(model.model.rotary_emb)(config=config)

    def replaced(_, args, kwargs):
        return args, {**kwargs, "position_embeddings": plain(args[0], kwargs["position_ids"])}
    for layer, kind in zip(model.model.layers, config.layer_types):
        if kind == SLIDING:
            layer.register_forward_pre_hook(replaced, with_kwargs=True)


LLAMA = {
    "llama": (LlamaConfig, dict(HEADS, **ROOT), dict(gguf="llama")),
    "llama-bias": (LlamaConfig, dict(GROUPED, **ROOT, attention_bias=True, mlp_bias=True), dict(gguf="llama")),
    "llama-linear": (
        LlamaConfig, dict(HEADS, **{**ROOT, "rope_parameters": rope("linear", factor=4.0)}),
        dict(gguf="llama", older=kind_as_type)),
    "llama-dynamic": (
        LlamaConfig, dict(HEADS, **{**ROOT, "rope_parameters": rope("dynamic", factor=2.0)}),
        dict(gguf="llama", older=kind_as_type)),
    "llama-yarn": (
        LlamaConfig, dict(HEADS, **{**ROOT, "rope_parameters": rope(
            "yarn", factor=4.0, original_max_position_embeddings=32)}), dict(gguf="llama")),
    "llama3-rope": (
        LlamaConfig, dict(HEADS, tie_word_embeddings=True, **{**ROOT, "rope_parameters": rope(
            "llama3", factor=8.0, low_freq_factor=1.0, high_freq_factor=4.0, original_max_position_embeddings=32)}),
        dict(gguf="llama")),
    "mistral": (MistralConfig, dict(HEADS, **ROOT, sliding_window=8), dict(gguf="llama")),
    "ministral": (MinistralConfig, dict(HEADS, **ROOT, **WINDOW), dict(gguf="llama")),
    "granite": (
        GraniteConfig, dict(
            GROUPED, **ROOT, tie_word_embeddings=True, embedding_multiplier=3.0, logits_scaling=0.4,
            residual_multiplier=0.6, attention_multiplier=0.2),
        dict(gguf="granite", values=[("embed_tokens", 0, 0.1)])),
    "smollm3": (
        SmolLM3Config, dict(GROUPED, **ROOT, no_rope_layers=[1, 0]), dict(gguf="smollm3", older=without_types)),
    "ernie4_5": (Ernie4_5Config, dict(HEADS, **ROOT), dict(gguf="ernie4_5")),
    "seed_oss": (SeedOssConfig, dict(HEADS, **ROOT, residual_dropout=0.0), dict(gguf="seed_oss")),
    "seed_oss-biases": (
        SeedOssConfig,
        dict(HEADS, **ROOT, residual_dropout=0.0, attention_bias=False, attention_out_bias=True, mlp_bias=True),
        dict(gguf="seed_oss")),
    "hunyuan_v1_dense": (HunYuanDenseV1Config, dict(HEADS, **ROOT), dict(gguf="hunyuan-dense")),
    "hunyuan_v1_dense-alpha": (
        HunYuanDenseV1Config, dict(HEADS, **{**ROOT, "rope_parameters": rope("dynamic", factor=1.0, alpha=50.0)}),
        dict(gguf="hunyuan-dense", older=kind_as_type)),
}
QWEN = {
    "qwen2": (Qwen2Config, dict(GROUPED, **ROOT, tie_word_embeddings=True), dict(gguf="qwen2")),
    "qwen2-window": (
        Qwen2Config, dict(GROUPED, **ROOT, use_sliding_window=True, sliding_window=8, max_window_layers=1),
        dict(gguf="qwen2", older=without_types)),
    "qwen3": (Qwen3Config, dict(HEADS, **ROOT, tie_word_embeddings=True), dict(gguf="qwen3")),
    "qwen3-window": (
        Qwen3Config, dict(HEADS, **ROOT, use_sliding_window=True, sliding_window=8, max_window_layers=1),
        dict(gguf="qwen3", older=without_types)),
}
GEMMAS = {
    "gemma": (GemmaConfig, dict(HEADS, **ROOT), dict(GEMMA, gguf="gemma")),
    "gemma2": (
        Gemma2Config, dict(
            HEADS, **ROOT, sliding_window=8, query_pre_attn_scalar=7, attn_logit_softcapping=2.0,
            final_logit_softcapping=3.0), dict(GEMMA, gguf="gemma2", older=without_types)),
    "gemma3": (
        Gemma3TextConfig, dict(
            HEADS, num_hidden_layers=3, rms_norm_eps=1e-6, sliding_window=8, query_pre_attn_scalar=7,
            layer_types=[SLIDING, SLIDING, FULL],
            rope_parameters={SLIDING: ROPE, FULL: {"rope_type": "linear", "rope_theta": 5000.0, "factor": 4.0}}),
        dict(GEMMA, gguf="gemma3", older=gemma3_older)),
}
# Three heads of 16 numbers, of which the first 12 are rotated.
PHI4MINI = dict(GROUPED, hidden_size=48, num_attention_heads=3, num_key_value_heads=1, tie_word_embeddings=True)
PHI = {
    "phi3": (Phi3Config, dict(GROUPED, **ROOT), dict(gguf="phi3")),
    "phi3-window": (Phi3Config, dict(GROUPED, **ROOT, sliding_window=8), dict(gguf="phi3")),
    "phi4mini": (
        Phi3Config, dict(PHI4MINI, original_max_position_embeddings=32, **{**ROOT, "rope_parameters": rope(
            "longrope", partial_rotary_factor=0.75, short_factor=SHORT, long_factor=LONG)}),
        dict(gguf="phi3", lengths=[23, 1, 9, 32, 2, 16], older=longrope_older)),
    # All sequences are computed as long as the longest, so that all of them get the long factors.
    "phi3-longrope": (
        Phi3Config, dict(GROUPED, original_max_position_embeddings=16, **{**ROOT, "rope_parameters": rope(
            "longrope", partial_rotary_factor=1.0, short_factor=SHORT[:5], long_factor=LONG[:5])}),
        dict(gguf="phi3", older=longrope_older)),
}
# The scale of the logits is one that can be seen.
COHERE = dict(GROUPED, **LAYER, logit_scale=0.6)
GLM = dict(GROUPED, head_dim=16, rms_norm_eps=1.5625e-07, attention_bias=True,
           rope_parameters=dict(ROPE, partial_rotary_factor=0.5))
OTHER = {
    "olmo": (OlmoConfig, dict(GROUPED, rope_parameters=ROPE), dict(gguf="olmo")),
    "olmo-clip": (OlmoConfig, dict(GROUPED, rope_parameters=ROPE, clip_qkv=0.8), dict(gguf="olmo")),
    "olmo2": (Olmo2Config, dict(GROUPED, **ROOT), dict(gguf="olmo2")),
    "olmo3": (Olmo3Config, dict(GROUPED, **ROOT, **WINDOW), dict(gguf="olmo2")),
    "olmo3-yarn": (
        Olmo3Config, dict(GROUPED, **WINDOW, **{**ROOT, "rope_parameters": rope(
            "yarn", factor=4.0, original_max_position_embeddings=32, attention_factor=1.2)}),
        dict(gguf="olmo2", prepare=[olmo3_rope])),
    "cohere": (CohereConfig, COHERE, dict(gguf="command-r")),
    "cohere-qknorm": (CohereConfig, dict(COHERE, use_qk_norm=True), dict(gguf="command-r")),
    "cohere2": (Cohere2Config, dict(COHERE, **WINDOW), dict(gguf="cohere2", older=by_pattern(2))),
    "glm": (GlmConfig, GLM, dict(gguf="chatglm")),
    "glm4": (Glm4Config, GLM, dict(gguf="glm4")),
    "exaone4": (Exaone4Config, dict(GROUPED, **ROOT, **WINDOW), dict(gguf="exaone4", older=by_pattern(2))),
}
VARIANTS = {**LLAMA, **QWEN, **GEMMAS, **PHI, **OTHER}
