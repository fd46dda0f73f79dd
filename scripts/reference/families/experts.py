# Variants of the families with experts: see common.py, and routing.py for what these fixtures have beside the others.
#
# Experts and routers have no adapter: LoRA is on attention, shared experts and layers without experts.
from routing import (
    measured, of_corrected, of_corrected_groups, of_logits, of_probability_groups, of_sparse_mixer, watched)
from transformers import (
    DeepseekV2Config, DeepseekV3Config, Dots1Config, Ernie4_5_MoeConfig, Glm4MoeConfig, Glm4MoeLiteConfig, GptOssConfig,
    GraniteMoeConfig, GraniteMoeSharedConfig, HunYuanMoEV1Config, MixtralConfig, OlmoeConfig, PhimoeConfig,
    Qwen2MoeConfig, Qwen3MoeConfig)
from transformers.models.deepseek_v3.modeling_deepseek_v3 import yarn_get_mscale

ROPE = {"rope_type": "default", "rope_theta": 1000.0}
BASE = dict(
    vocab_size=50, hidden_size=40, num_hidden_layers=2, num_attention_heads=4, num_key_value_heads=2,
    max_position_embeddings=128, attention_dropout=0.0, rope_parameters=ROPE, rms_norm_eps=1e-5, bos_token_id=1,
    eos_token_id=2, pad_token_id=None, tie_word_embeddings=False)
HEADS = dict(BASE, head_dim=12)
AUXILIARY = dict(router_aux_loss_coef=0.05)
ATTENTION = ["k_proj", "o_proj", "q_proj", "v_proj"]
GATED = ["down_proj", "gate_proj", "up_proj"]


def options(choice, targets, router, special=False, auxiliary=False, values=(), prepare=(), **other):
    """`router`: what the names of the routers' tensors have in them. A seed is for a variant that would have a token
    which chooses by too little."""
    made = dict(
        prepare=[*prepare, watched(choice, special)], more=measured, targets=targets,
        values=[*values, (r"e_score_correction_bias$", 0, 0.3), (router + r"\.weight$", 0, 0.5)], **other)
    return dict(made, auxiliary=router) if auxiliary else made


# Qwen. The mixed ones have layers without experts, for each reason there is.
QWEN = dict(AUXILIARY, intermediate_size=42, moe_intermediate_size=20, num_experts=6, num_experts_per_tok=2)
QWEN2 = dict(BASE, **QWEN, shared_expert_intermediate_size=28)
QWEN3 = dict(HEADS, **QWEN)


def qwen3_older(config, rope):
    config["num_experts"] = config.pop("num_local_experts")


qwen2_options = options(of_logits, ATTENTION + GATED, "mlp.gate", auxiliary=True, gguf="qwen2moe")
qwen3_options = options(
    of_logits, ATTENTION, "mlp.gate", auxiliary=True, gguf="qwen3moe", older=qwen3_older)

# DeepSeek.
LATENT = dict(
    BASE, num_key_value_heads=4, kv_lora_rank=16, qk_nope_head_dim=6, qk_rope_head_dim=8, v_head_dim=10,
    n_routed_experts=8, num_experts_per_tok=3, moe_intermediate_size=20, intermediate_size=42)
DEEPSEEK = dict(LATENT, first_k_dense_replace=1)
QUERY = ["q_a_proj", "q_b_proj"]
KEYS = ["kv_a_proj_with_mqa", "kv_b_proj", "o_proj"]
YARN = {"rope_type": "yarn", "rope_theta": 1000.0, "factor": 4.0, "original_max_position_embeddings": 16,
        "beta_fast": 4.0, "beta_slow": 1.0}
MSCALE = dict(YARN, mscale=0.7, mscale_all_dim=1.5)


def deepseek_older(config, scaling):
    """The files of the publisher: no key that follows from others, `type` for the kind of scaling."""
    for key in ("head_dim", "qk_head_dim", "rope_interleave"):
        if config.get(key) is not False:
            config.pop(key, None)
    if config["rope_scaling"]:
        scaling["type"] = scaling.pop("rope_type")


def count_experts(model):
    """transformers 5.6.2 asks the block for a number that it does not have, when experts are chosen by groups."""
    for block in model.modules():
        if type(block).__name__ == "DeepseekV2Moe":
            block.num_experts = model.config.n_routed_experts


def scale_attention(model):
    """transformers 5.6.2 leaves this out of deepseek_v2, not of deepseek_v3. Published models need it: the publisher's
    own code has it, llama.cpp too, and later transformers (huggingface/transformers#47435)."""
    scaling = model.config.rope_parameters
    for layer in model.model.layers:
        layer.self_attn.scaling *= yarn_get_mscale(scaling["factor"], scaling["mscale_all_dim"]) ** 2


def deepseek(choice, targets, **other):
    return options(
        choice, targets + KEYS + GATED, "mlp.gate", special=choice is not of_logits, gguf="deepseek2",
        older=deepseek_older, **other)


GRANITE = dict(
    BASE, **AUXILIARY, intermediate_size=28, num_local_experts=6, num_experts_per_tok=2, embedding_multiplier=3.0,
    attention_multiplier=0.2, residual_multiplier=0.6, logits_scaling=3.0)
CORRECTED = dict(
    HEADS, moe_intermediate_size=20, intermediate_size=42, n_routed_experts=8, n_shared_experts=1,
    num_experts_per_tok=3, first_k_dense_replace=1, routed_scaling_factor=1.5)

VARIANTS = {
    "mixtral": (
        MixtralConfig, dict(HEADS, **AUXILIARY, intermediate_size=28, num_local_experts=4, num_experts_per_tok=2),
        options(of_logits, ATTENTION, "block_sparse_moe.gate", auxiliary=True, gguf="llama")),
    "qwen2_moe": (Qwen2MoeConfig, QWEN2, qwen2_options),
    "qwen2_moe-mixed": (
        Qwen2MoeConfig, dict(
            QWEN2, num_hidden_layers=4, decoder_sparse_step=2, mlp_only_layers=[1], norm_topk_prob=True),
        qwen2_options),
    "qwen3_moe": (Qwen3MoeConfig, dict(QWEN3, norm_topk_prob=True), qwen3_options),
    "qwen3_moe-mixed": (
        Qwen3MoeConfig, dict(QWEN3, num_hidden_layers=3, mlp_only_layers=[1], attention_bias=True),
        dict(qwen3_options, targets=ATTENTION + GATED, seed=12)),
    "olmoe": (
        OlmoeConfig, dict(BASE, **AUXILIARY, intermediate_size=28, num_experts=6, num_experts_per_tok=2),
        options(of_logits, ATTENTION, "mlp.gate", auxiliary=True, gguf="olmoe")),
    "olmoe-clip": (
        OlmoeConfig, dict(
            BASE, **AUXILIARY, intermediate_size=28, num_experts=6, num_experts_per_tok=2, norm_topk_prob=True,
            clip_qkv=0.75), options(of_logits, ATTENTION, "mlp.gate", auxiliary=True, gguf="olmoe")),
    "granitemoe": (
        GraniteMoeConfig, dict(GRANITE, tie_word_embeddings=True),
        options(
            of_logits, ATTENTION, "router.layer", auxiliary=True, gguf="granitemoe",
            values=[("embed_tokens", 0, 0.15)])),
    "granitemoeshared": (
        GraniteMoeSharedConfig, dict(GRANITE, shared_intermediate_size=42), options(
            of_logits, ATTENTION + ["shared_mlp.input_linear", "shared_mlp.output_linear"], "router.layer",
            auxiliary=True, gguf="granitemoe")),
    "deepseek_v2": (
        DeepseekV2Config, dict(
            DEEPSEEK, q_lora_rank=20, n_shared_experts=2, topk_method="group_limited_greedy", n_group=4, topk_group=2,
            routed_scaling_factor=1.5), deepseek(
                of_probability_groups, QUERY, prepare=[count_experts], seed=13)),
    "deepseek_v2-lite": (
        DeepseekV2Config, dict(DEEPSEEK, q_lora_rank=None, n_shared_experts=1), deepseek(of_logits, ["q_proj"])),
    "deepseek_v2-yarn": (
        DeepseekV2Config, dict(DEEPSEEK, q_lora_rank=None, n_shared_experts=1, rope_parameters=YARN),
        deepseek(of_logits, ["q_proj"])),
    "deepseek_v2-mscale": (
        DeepseekV2Config, dict(DEEPSEEK, q_lora_rank=None, n_shared_experts=1, rope_parameters=MSCALE),
        deepseek(of_logits, ["q_proj"], prepare=[scale_attention])),
    "deepseek_v3": (
        DeepseekV3Config, dict(DEEPSEEK, q_lora_rank=20, n_shared_experts=1, n_group=4, topk_group=2),
        deepseek(of_corrected_groups, QUERY)),
    "deepseek_v3-yarn": (
        DeepseekV3Config, dict(
            DEEPSEEK, q_lora_rank=None, n_shared_experts=2, n_group=2, topk_group=1, norm_topk_prob=False,
            rope_interleave=False, attention_bias=True, rope_parameters=MSCALE),
        deepseek(of_corrected_groups, ["q_proj"])),
    "gpt_oss": (
        GptOssConfig, dict(
            HEADS, **AUXILIARY, intermediate_size=20, num_local_experts=6, num_experts_per_tok=2, sliding_window=8,
            rope_parameters=dict(YARN, truncate=False)),
        options(
            of_logits, ATTENTION, "mlp.router", auxiliary=True, gguf="gpt-oss",
            values=[(r"sinks$", 0, 1.5), (r"gate_up_proj$", 0, 1.0), (r"gate_up_proj_bias$", 0, 2.0)])),
    "ernie4_5_moe": (
        Ernie4_5_MoeConfig, dict(
            BASE, **AUXILIARY, intermediate_size=42, moe_intermediate_size=20, moe_num_experts=6, moe_k=2,
            moe_num_shared_experts=2, tie_word_embeddings=True),
        options(
            of_corrected, ATTENTION + GATED, "mlp.gate", special=True, auxiliary=True, gguf="ernie4_5-moe",
            values=[(r"e_score_correction_bias$", 0, 0.1)])),
    "glm4_moe": (
        Glm4MoeConfig, dict(CORRECTED, attention_bias=True, use_qk_norm=True),
        options(of_corrected_groups, ATTENTION + GATED, "mlp.gate", special=True, gguf="glm4moe")),
    "glm4_moe_lite": (
        Glm4MoeLiteConfig, dict(LATENT, q_lora_rank=20, n_shared_experts=1, n_group=1, topk_group=1),
        deepseek(of_corrected_groups, QUERY)),
    "hunyuan_v1_moe": (
        HunYuanMoEV1Config, dict(
            HEADS, intermediate_size=28, num_experts=6, moe_topk=2,
            rope_parameters={"rope_type": "dynamic", "rope_theta": 1000.0, "alpha": 50.0, "factor": 1.0}),
        options(of_logits, ATTENTION + GATED, "gate.wg", gguf="hunyuan-moe")),
    "dots1": (
        Dots1Config, dict(
            CORRECTED, num_experts_per_tok=2, n_group=2, topk_group=1, norm_topk_prob=True, sliding_window=8,
            max_window_layers=1),
        options(of_corrected_groups, ATTENTION + GATED, "mlp.gate", special=True, gguf="dots1")),
    "phimoe": (
        PhimoeConfig, dict(
            BASE, **AUXILIARY, intermediate_size=28, num_local_experts=6, num_experts_per_tok=2, attention_bias=True,
            lm_head_bias=True, router_jitter_noise=0.3, rope_parameters={
                "rope_type": "longrope", "rope_theta": 1000.0, "original_max_position_embeddings": 16,
                "short_factor": [1.0, 1.1, 1.3, 1.5, 2.0], "long_factor": [1.0, 2.0, 3.5, 5.0, 8.0],
                "short_mscale": 1.1, "long_mscale": 1.3}),
        options(of_sparse_mixer, ATTENTION, "block_sparse_moe.gate", special=True, auxiliary=True, gguf="phimoe")),
}
