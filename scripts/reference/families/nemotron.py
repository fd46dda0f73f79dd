# Variants of Nemotron: see common.py.
from dense import HEADS, ROPE
from transformers import NemotronConfig

HALF = dict(HEADS, norm_eps=1e-5, rope_parameters=dict(ROPE, partial_rotary_factor=0.5))
# Norms that add one to their weight.
OPTIONS = dict(gguf="nemotron", gguf_keys={"rope.scaling.type": "none"}, values=[(r"norm\.weight$", 0, 0.2)])
VARIANTS = {
    "nemotron": (NemotronConfig, HALF, dict(OPTIONS, refused=[
        ("hidden_act", "xielu", "`hidden_act` is `xielu`, which is not supported"),
        ("rms_norm_eps", 1e-5, "`rms_norm_eps` is not known")])),
    "nemotron-biases": (
        NemotronConfig, dict(HALF, hidden_act="gelu", attention_bias=True, mlp_bias=True, tie_word_embeddings=True),
        dict(OPTIONS, gguf_config={"hidden_act": "relu2"})),
}
