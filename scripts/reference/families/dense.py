# Variants of the families without experts: see common.py.
from transformers import (
    Gemma2Config, Gemma3TextConfig, GPT2Config, LlamaConfig, MistralConfig, Phi3Config, Qwen3Config)

IDS = dict(bos_token_id=1, eos_token_id=2, pad_token_id=None)
# Grouped queries (4 heads over 2), sizes that fill no vector, heads of a size of their own.
GROUPED = dict(
    vocab_size=50, hidden_size=40, intermediate_size=42, num_hidden_layers=2, num_attention_heads=4,
    num_key_value_heads=2, max_position_embeddings=128, attention_dropout=0.0, **IDS)
HEADS = dict(GROUPED, head_dim=12)
ROPE = {"rope_type": "default", "rope_theta": 1000.0}
# Norms that add one to their weight; embeddings that are scaled up leave the blocks something to say.
GEMMA = {"values": [(r"norm\.weight$", 0, 0.2), ("embed_tokens", 0, 0.25)]}


def gemma3_older(config, rope):
    """One base for each kind of layer, the scaling only of full attention."""
    config["rope_theta"] = rope["full_attention"].pop("rope_theta")
    config["rope_local_base_freq"] = rope["sliding_attention"]["rope_theta"]
    config["rope_scaling"] = rope["full_attention"]


VARIANTS = {
    "llama": (LlamaConfig, dict(HEADS, rms_norm_eps=1e-5, rope_parameters=ROPE), dict(gguf="llama")),
    "mistral": (
        MistralConfig, dict(HEADS, rms_norm_eps=1e-5, rope_parameters=ROPE, sliding_window=8), dict(gguf="llama")),
    "qwen3": (
        Qwen3Config, dict(HEADS, rms_norm_eps=1e-6, rope_parameters=ROPE, tie_word_embeddings=True),
        dict(gguf="qwen3")),
    "gemma2": (
        Gemma2Config, dict(
            HEADS, rms_norm_eps=1e-6, rope_parameters=ROPE, sliding_window=8, query_pre_attn_scalar=7,
            attn_logit_softcapping=2.0, final_logit_softcapping=3.0), dict(GEMMA, gguf="gemma2")),
    "gemma3": (
        Gemma3TextConfig, dict(
            HEADS, num_hidden_layers=3, rms_norm_eps=1e-6, sliding_window=8, query_pre_attn_scalar=7,
            layer_types=["sliding_attention", "sliding_attention", "full_attention"], rope_parameters={
                "sliding_attention": ROPE,
                "full_attention": {"rope_type": "linear", "rope_theta": 5000.0, "factor": 4.0}}),
        dict(GEMMA, gguf="gemma3", older=gemma3_older)),
    "phi3": (Phi3Config, dict(GROUPED, rms_norm_eps=1e-5, rope_parameters=ROPE), dict(gguf="phi3")),
    "gpt2": (
        GPT2Config, dict(
            vocab_size=50, n_positions=64, n_embd=40, n_layer=2, n_head=4, n_inner=42, resid_pdrop=0.0, embd_pdrop=0.0,
            attn_pdrop=0.0, **IDS), dict(gguf="gpt2")),
}
