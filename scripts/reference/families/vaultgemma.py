# Variants of VaultGemma: see common.py.
from dense import GEMMA, HEADS, ROOT, without_types
from transformers import VaultGemmaConfig

CAPPED = dict(HEADS, **ROOT, sliding_window=8, query_pre_attn_scalar=7, attn_logit_softcapping=2.0,
              final_logit_softcapping=3.0)
VARIANTS = {
    "vaultgemma": (VaultGemmaConfig, CAPPED, dict(GEMMA, older=without_types, refused=[
        ("hidden_activation", "gelu", "`hidden_activation` is `gelu`, which is not supported"),
        ("final_logit_softcapping", "3", "`final_logit_softcapping` is a string, not a number")])),
    "vaultgemma-plain": (
        VaultGemmaConfig, dict(CAPPED, attn_logit_softcapping=None, final_logit_softcapping=None, attention_bias=True,
                               layer_types=["full_attention", "full_attention"]), GEMMA),
}
