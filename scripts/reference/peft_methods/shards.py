# MiSS: shards of a map's columns share one matrix.
from common import Case
from peft import MissConfig

VALUES = [(r"miss_block", 0, 0.3)]


def miss(base="untied", case=None, **settings):
    options = dict(task_type="CAUSAL_LM", target_modules=["q_proj", "v_proj", "down_proj"], r=4)
    options.update(settings)
    return Case(lambda: MissConfig(**options), base=base, values=VALUES, **(case or {}))


CASES = {
    "miss": miss(),
    "miss-odd": miss("biased", r=7, target_modules="all-linear"),  # divides neither 32 nor 48
    "miss-bat": miss(init_weights="bat"),
}
