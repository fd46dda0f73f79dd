# Variants of the older families without experts (LayerNorm, fused maps, ALiBi, learned positions): see common.py.
from dense import GROUPED, IDS, ROPE
from transformers import (
    BloomConfig, CodeGenConfig, FalconConfig, GPT2Config, GPTJConfig, GPTNeoXConfig, MptConfig, OPTConfig, PhiConfig,
    StableLmConfig, Starcoder2Config)

# A head of its own for every query, sizes that fill no vector.
PLAIN = {k: v for k, v in GROUPED.items() if k != "num_key_value_heads"}
N_EMBD = dict(vocab_size=50, n_positions=64, n_embd=40, n_layer=2, n_head=4, n_inner=42, resid_pdrop=0.0,
              embd_pdrop=0.0, attn_pdrop=0.0, **IDS)
WIDE = dict(PLAIN, hidden_size=48)


def partial(factor):
    return dict(layer_norm_eps=1e-5, rope_parameters=dict(ROPE, partial_rotary_factor=factor))


def gpt_neox_older(config, _):
    """Keys of its own for the base and for how much of a head is rotated."""
    config["rotary_emb_base"] = config.pop("rope_theta")
    config["rotary_pct"] = config.pop("partial_rotary_factor")


FALCON = dict(vocab_size=50, hidden_size=40, num_hidden_layers=2, num_attention_heads=4, ffn_hidden_size=42,
              layer_norm_epsilon=1e-5, max_position_embeddings=128, rope_parameters=ROPE, **IDS)
STABLELM = dict(GROUPED, hidden_size=48)
# Six heads: a number that is no power of two has slopes of its own.
SIX = dict(vocab_size=50, layer_norm_epsilon=1e-5, **IDS)
VARIANTS = {
    "starcoder2": (
        Starcoder2Config, dict(GROUPED, norm_epsilon=1e-5, rope_parameters=ROPE, sliding_window=8),
        dict(gguf="starcoder2")),
    "gpt2": (GPT2Config, N_EMBD, dict(gguf="gpt2")),
    "gpt_neox": (
        GPTNeoXConfig, dict(PLAIN, **{**partial(0.25), "hidden_size": 32}), dict(gguf="gptneox", older=gpt_neox_older)),
    "gpt_neox-sequential": (
        GPTNeoXConfig, dict(WIDE, **partial(0.5), use_parallel_residual=False, tie_word_embeddings=True),
        dict(gguf="gptneox", older=gpt_neox_older)),
    # As GPT-NeoX-20B, and no biases in attention.
    "gpt_neox-fast": (
        GPTNeoXConfig, dict(WIDE, **partial(0.5), hidden_act="gelu_fast", attention_bias=False),
        dict(gguf="gptneox", older=gpt_neox_older)),
    "phi": (PhiConfig, dict(WIDE, **partial(0.5)), dict(gguf="phi2")),
    "phi-qknorm": (
        PhiConfig, dict(WIDE, num_key_value_heads=2, **partial(0.5), qk_layernorm=True), dict(gguf="phi2")),
    "stablelm": (StableLmConfig, dict(STABLELM, hidden_size=32, **partial(0.25)), dict(gguf="stablelm")),
    "stablelm-parallel": (
        StableLmConfig, dict(
            STABLELM, **partial(0.5), use_parallel_residual=True, qk_layernorm=True, use_qkv_bias=True),
        dict(gguf="stablelm")),
    "falcon": (FalconConfig, dict(FALCON, new_decoder_architecture=True, num_kv_heads=2), dict(gguf="falcon")),
    "falcon-11b": (
        FalconConfig, dict(FALCON, new_decoder_architecture=True, num_kv_heads=2, num_ln_in_parallel_attn=1,
                           tie_word_embeddings=False), dict(gguf="falcon")),
    "falcon-7b": (FalconConfig, FALCON, dict(gguf="falcon")),
    # Eager attention adds the bias of ALiBi twice: once as the mask, once by itself.
    "falcon-rw": (
        FalconConfig, dict(FALCON, alibi=True, multi_query=False, bias=True, parallel_attn=False),
        dict(attention="sdpa")),
    "bloom": (BloomConfig, dict(SIX, hidden_size=48, n_layer=2, n_head=6), dict(gguf="bloom")),
    "mpt": (
        MptConfig, dict(SIX, d_model=48, n_heads=6, n_layers=2, expansion_ratio=4, max_seq_len=64, attn_config={
            "alibi": True, "attn_pdrop": 0, "clip_qkv": None}), dict(gguf="mpt")),
    "mpt-clip": (
        MptConfig, dict(SIX, d_model=40, n_heads=4, n_layers=2, expansion_ratio=4, max_seq_len=64, attn_config={
            "alibi": True, "attn_pdrop": 0, "clip_qkv": 0.8, "softmax_scale": 0.2}),
        dict(gguf="mpt")),
    "gptj": (GPTJConfig, dict(N_EMBD, rotary_dim=4), dict(gguf="gptj")),
    "codegen": (
        CodeGenConfig, {**{k: v for k, v in N_EMBD.items() if k != "pad_token_id"}, "rotary_dim": 4, "n_ctx": 64}, {}),
    "opt": (
        OPTConfig, dict(
            vocab_size=50, hidden_size=40, num_hidden_layers=2, ffn_dim=42, num_attention_heads=4, dropout=0.0,
            max_position_embeddings=64, **IDS), {}),
    # As Galactica.
    "opt-bare": (
        OPTConfig, dict(
            vocab_size=50, hidden_size=40, num_hidden_layers=2, ffn_dim=42, num_attention_heads=4, dropout=0.0,
            max_position_embeddings=64, activation_function="gelu", enable_bias=False,
            layer_norm_elementwise_affine=False, **IDS), {}),
    "opt-350m": (
        OPTConfig, dict(
            vocab_size=50, hidden_size=40, num_hidden_layers=2, ffn_dim=42, num_attention_heads=4, dropout=0.0,
            max_position_embeddings=64, word_embed_proj_dim=24, do_layer_norm_before=False, **IDS),
        dict(targets=["q_proj", "k_proj", "v_proj", "out_proj", "fc1", "fc2"])),
}
