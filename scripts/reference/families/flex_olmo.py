# Variants of FlexOlmo: see common.py.
from experts import ATTENTION, AUXILIARY, BASE, options
from routing import of_logits
from transformers import FlexOlmoConfig

SIZES = dict(BASE, **AUXILIARY, intermediate_size=28, num_experts=6, num_experts_per_tok=2)
VARIANTS = {
    "flex_olmo": (FlexOlmoConfig, SIZES, options(
        of_logits, ATTENTION, "mlp.gate", auxiliary=True, refused=[
            ("clip_qkv", 0.5, "`clip_qkv` is not known"),
            ("num_experts_per_tok", 7, "`num_experts_per_tok` is 7, not a number from 1 to 6")])),
    "flex_olmo-sum": (
        FlexOlmoConfig, dict(SIZES, norm_topk_prob=True, attention_bias=True),
        options(of_logits, ATTENTION, "mlp.gate", auxiliary=True)),
}
