# Variants of Jais 2: see common.py.
from dense import HEADS, LAYER
from transformers import Jais2Config

VARIANTS = {
    "jais2": (Jais2Config, dict(HEADS, **LAYER), dict(refused=[
        ("hidden_act", "xielu", "`hidden_act` is `xielu`, which is not supported"),
        ("rms_norm_eps", 1e-5, "`rms_norm_eps` is not known")])),
    "jais2-plain": (
        Jais2Config, dict(HEADS, **LAYER, attention_bias=False, mlp_bias=False, hidden_act="silu",
                          tie_word_embeddings=True), {}),
}
