# Variants of StarCoder and SantaCoder: see common.py.
from classic import N_EMBD
from transformers import GPTBigCodeConfig

VARIANTS = {
    "gpt_bigcode": (GPTBigCodeConfig, N_EMBD, dict(
        gguf="starcoder", gguf_keys={},
        taken={"summary_type": "cls_index", "inference_runner": 0, "pad_key_length": True, "attn_pdrop": 0.1},
        refused=[
            ("num_key_value_heads", 2, "`num_key_value_heads` is `2`, which is not supported"),
            ("multi_query", "no", "`multi_query` is a string, not true or false"),
            ("hidden_size", 20, "`n_embd` and `hidden_size` mean the same and have different values"),
            ("add_cross_attention", True, "`add_cross_attention` is `true`, which is not supported")])),
    "gpt_bigcode-heads": (
        GPTBigCodeConfig, dict(N_EMBD, multi_query=False, scale_attn_weights=False, activation_function="gelu",
                               n_inner=None, tie_word_embeddings=False), dict(gguf="starcoder")),
}
