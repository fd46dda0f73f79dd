# Variants of the Code World Model: see common.py.
from dense import FULL, HEADS, ROOT, SLIDING, rope, without_types
from transformers import CwmConfig

LLAMA3 = rope("llama3", factor=8.0, low_freq_factor=1.0, high_freq_factor=4.0, original_max_position_embeddings=32)
SETTINGS = {**HEADS, **ROOT, "sliding_window": 8, "rope_parameters": LLAMA3}
VARIANTS = {
    "cwm": (CwmConfig, dict(SETTINGS, layer_types=[SLIDING, FULL], tie_word_embeddings=True), dict(refused=[
        ("sliding_window", "8", "`sliding_window` is a string, not a whole number"),
        ("attention_bias", True, "`attention_bias` is `true`, which is not supported"),
        ("sliding_window", None, "The model's configuration has no `sliding_window`")])),
    # The first of four blocks sees all.
    "cwm-types": (CwmConfig, dict(SETTINGS, num_hidden_layers=5, mlp_bias=True), dict(older=without_types)),
}
