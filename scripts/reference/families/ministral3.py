# Variants of Ministral 3: see common.py.
from dense import HEADS, rope
from transformers import Ministral3Config

YARN = dict(factor=4.0, original_max_position_embeddings=8, beta_fast=4.0, beta_slow=1.0, mscale=1.0,
            mscale_all_dim=1.0, llama_4_scaling_beta=0.5)


def whole_scaling(config, rope):
    """What stands beside the base, whatever its kind."""
    config["rope_scaling"] = rope


VARIANTS = {
    "ministral3": (
        Ministral3Config, dict(HEADS, rms_norm_eps=1e-5, rope_parameters=rope("yarn", **YARN)), dict(refused=[
            ("hidden_act", "gelu", "`hidden_act` is `gelu`, which is not supported"),
            ("rope_parameters", rope("default", llama_4_scaling_beta="x"),
             "`rope_parameters.llama_4_scaling_beta` is a string, not a number"),
            ("rope_parameters", rope("default", llama_4_scaling_beta=0.1),
             "The model's configuration has no `rope_parameters.original_max_position_embeddings`"),
            ("rope_parameters", rope("default", llama_5=1), "`rope_parameters.llama_5` is not known"),
            ("attention_bias", True, "`attention_bias` is `true`, which is not supported")])),
    "ministral3-window": (
        Ministral3Config, dict(
            HEADS, rms_norm_eps=1e-5, sliding_window=8, tie_word_embeddings=True, rope_parameters=rope(
                "default", original_max_position_embeddings=16, llama_4_scaling_beta=0.3)), dict(older=whole_scaling)),
}
