# Variants of Arcee's models: see common.py.
from dense import GROUPED, HEADS, ROOT, rope
from transformers import ArceeConfig

VARIANTS = {
    "arcee": (
        ArceeConfig, dict(HEADS, **{**ROOT, "rope_parameters": rope(
            "yarn", factor=4.0, original_max_position_embeddings=32)}), dict(
                gguf="arcee", gguf_keys={
                    "rope.scaling.type": "yarn", "rope.scaling.factor": 4.0,
                    "rope.scaling.original_context_length": 32}, refused=[
                ("hidden_act", "xielu", "`hidden_act` is `xielu`, which is not supported"),
                ("head_dim", 15, "The head dimension 15 is odd, rotary positions need pairs")])),
    "arcee-biases": (
        ArceeConfig, dict(GROUPED, **ROOT, hidden_act="gelu_new", attention_bias=True, mlp_bias=True),
        dict(gguf="arcee", gguf_keys={}, gguf_config={"hidden_act": "relu2"})),
}
