# Variants of Helium: see common.py.
from dense import GROUPED, ROOT
from transformers import HeliumConfig

# All heads together are as wide as the model.
WHOLE = dict(GROUPED, head_dim=10, **ROOT)
VARIANTS = {
    "helium": (HeliumConfig, WHOLE, dict(refused=[
        ("head_dim", 12, "4 heads of 12 elements are not as wide as the hidden size 40"),
        ("hidden_act", "gelu", "`hidden_act` is `gelu`, which is not supported")])),
    "helium-biases": (HeliumConfig, dict(WHOLE, attention_bias=True, mlp_bias=True, tie_word_embeddings=True), {}),
}
