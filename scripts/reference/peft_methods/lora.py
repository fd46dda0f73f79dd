# LoRA and its options: where it stands, its scale, what is trained beside it, how it starts.
from common import Case
from peft import IA3Config, LoraConfig



def lora(base="untied", case=None, **settings):
    options = dict(r=4, lora_alpha=8, lora_dropout=0.0, task_type="CAUSAL_LM", target_modules=["q_proj", "v_proj"])
    options.update(settings)
    return Case(lambda: LoraConfig(**options), base=base, **(case or {}))


CASES = {
    "lora": lora(target_modules="all-linear"),
    "lora-tied": lora("tied", target_modules=["q_proj", "k_proj", "up_proj", "down_proj"]),
    "lora-rslora": lora(use_rslora=True, r=6, lora_alpha=5),
    # The first key of a dictionary that matches decides; it matches the end of a name that begins after a dot.
    "lora-patterns": lora(
        target_modules=["q_proj", "v_proj", "o_proj", "down_proj"], use_rslora=True,
        rank_pattern={r"layers\.0\.self_attn\.q_proj": 2, "q_proj": 6, r".*\.1\..*down_proj": 3, "_proj": 99},
        alpha_pattern={"self_attn.v_proj": 16, r"layers\.[01]\.mlp\.down_proj": 1, "proj": 77}),
    "lora-exclude": lora(
        target_modules=["q_proj", "v_proj", "down_proj"], exclude_modules=["layers.0.self_attn.v_proj", "down_proj"]),
    "lora-exclude-regex": lora(target_modules=["q_proj", "v_proj"], exclude_modules=r".*\.1\.self_attn\.q_.*"),
    "lora-layers": lora(target_modules=["q_proj", "up_proj"], layers_to_transform=[1], layers_pattern="layers"),
    "lora-layers-one": lora(target_modules=["q_proj", "up_proj"], layers_to_transform=0),
    "lora-regex": lora(target_modules=r"model\.layers\.\d+\.(self_attn\.[qk]_proj|mlp\.down_proj)"),
    "lora-modules-to-save": lora(modules_to_save=["embed_tokens", "lm_head", "norm"]),
    "lora-modules-to-save-tied": lora("tied", modules_to_save=["embed_tokens"]),
    "lora-modules-to-save-tied-ensured": lora("tied", modules_to_save=["embed_tokens"], ensure_weight_tying=True),
    "lora-tokens": lora(trainable_token_indices=[5, 60, 7]),
    "lora-tokens-tied": lora("tied", trainable_token_indices=[5, 60, 7]),
    "lora-tokens-named": lora(trainable_token_indices={"embed_tokens": [5, 9], "lm_head": [9, 0]}),
    "lora-bias-all": lora("biased", bias="all"),
    # PEFT trains these biases but does not save them: it looks for them under a name that they no longer have.
    "lora-bias-only": lora("biased", bias="lora_only", case=dict(reloads=False)),
    "lora-lora-bias": lora("biased", lora_bias=True),
    "lora-embedding": lora(target_modules=["embed_tokens", "lm_head", "q_proj"], case=dict(kept="base_layer")),
    "lora-gaussian": lora(init_lora_weights="gaussian"),
    "lora-orthogonal": lora(init_lora_weights="orthogonal"),
    "lora-not-zero": lora(init_lora_weights=False),
    "dora": lora(target_modules="all-linear", use_dora=True),
    "dora-biased": lora("biased", use_dora=True, use_rslora=True, target_modules=["q_proj", "down_proj"]),
    "dora-embedding": lora(use_dora=True, target_modules=["embed_tokens", "q_proj"], case=dict(kept="base_layer")),
    "ia3": Case(lambda: IA3Config(
        task_type="CAUSAL_LM", target_modules=["k_proj", "v_proj", "down_proj"], feedforward_modules=["down_proj"])),
    "ia3-default": Case(lambda: IA3Config(task_type="CAUSAL_LM"), base="tied"),
    "ia3-biased": Case(lambda: IA3Config(
        task_type="CAUSAL_LM", target_modules="all-linear",
        feedforward_modules=r".*\.(o_proj|down_proj)"), base="biased"),
}
