# VeRA: one pair of frozen random matrices for all maps, scaled by a vector for each rank and one for each output.
from common import Case, attached, digits
from peft import VeraConfig

VALUES = [(r"vera_lambda", 0, 0.6), (r"vera_(A|B)$", 0, 0.5)]


def vera(base="untied", case=None, **settings):
    options = dict(task_type="CAUSAL_LM", target_modules=["q_proj", "v_proj", "down_proj"], r=6)
    options.update(settings)
    return Case(lambda: VeraConfig(**options), base=base, values=VALUES, **(case or {}))


def projections(case):
    """The matrices that come from the seed of the configuration."""
    tuner = attached(case).base_model
    return {"projections": {
        name: [digits(x) for x in getattr(tuner, f"vera_{name}")["default"].flatten().tolist()] for name in "AB"}}


CASES = {
    # PEFT ignores the matrices of the file and makes them from the seed again, so only those from a seed come back.
    "vera": vera(case=dict(reloads=False)),
    "vera-all": vera("biased", target_modules="all-linear", d_initial=0.3, case=dict(reloads=False)),
    "vera-seeded": vera(save_projection=False, projection_prng_key=7, case=dict(more=projections)),
}
