# Variants of Youtu-LLM: see common.py.
from dense import IDS, ROPE, rope
from transformers import YoutuConfig

LATENT = dict(
    vocab_size=50, hidden_size=40, intermediate_size=42, num_hidden_layers=2, num_attention_heads=4,
    num_key_value_heads=4, max_position_embeddings=128, attention_dropout=0.0, rms_norm_eps=1e-5, kv_lora_rank=16,
    q_lora_rank=20, qk_nope_head_dim=6, qk_rope_head_dim=8, v_head_dim=10, rope_parameters=ROPE, **IDS)
VARIANTS = {
    "youtu": (YoutuConfig, LATENT, dict(refused=[
        ("n_routed_experts", 8, "`n_routed_experts` is not known"),
        ("qk_rope_head_dim", 7, "The head dimension 7 is odd, rotary positions need pairs"),
        ("kv_lora_rank", "16", "`kv_lora_rank` is a string, not a whole number")])),
    "youtu-halves": (
        YoutuConfig, dict(LATENT, q_lora_rank=None, rope_interleave=False, attention_bias=True,
                          tie_word_embeddings=False, rope_parameters=rope(
                              "yarn", factor=4.0, original_max_position_embeddings=16, mscale=0.7,
                              mscale_all_dim=1.5)), {}),
}
