# LoHa and LoKr: updates that are an element-wise product of two low ranks, and a Kronecker product.
from common import Case
from peft import LoHaConfig, LoKrConfig

VALUES = [(r"hada_", 0, 0.6), (r"lokr_", 0, 0.6)]
TARGETS = ["q_proj", "v_proj", "down_proj"]


def loha(base="untied", case=None, **settings):
    options = dict(task_type="CAUSAL_LM", target_modules=TARGETS, r=3, alpha=6)
    options.update(settings)
    return Case(lambda: LoHaConfig(**options), base=base, values=VALUES, **(case or {}))


def lokr(base="untied", case=None, **settings):
    options = dict(task_type="CAUSAL_LM", target_modules=TARGETS, r=2, alpha=3)
    options.update(settings)
    return Case(lambda: LoKrConfig(**options), base=base, values=VALUES, **(case or {}))


CASES = {
    "loha": loha(),
    "loha-patterns": loha("biased", rank_pattern={"q_proj": 2}, alpha_pattern={r"layers.1.mlp.down_proj": 1}),
    "loha-not-zero": loha(init_weights=False),
    "lokr": lokr(),
    "lokr-whole": lokr(r=8),  # the second factor is so small that it is not split
    "lokr-both": lokr(r=1, decompose_both=True),
    "lokr-factor": lokr(decompose_factor=4),
    "lokr-factor-odd": lokr("biased", decompose_factor=5, rank_pattern={"v_proj": 1}, target_modules="all-linear"),
    "lokr-lycoris": lokr(init_weights="lycoris"),
}
