# RoAd: pairs of what a map gives are turned and stretched.
from common import Case
from peft import RoadConfig

VALUES = [(r"road_theta", 0, 0.7), (r"road_alpha", 1, 0.3)]


def road(base="untied", case=None, **settings):
    options = dict(task_type="CAUSAL_LM", target_modules=["q_proj", "v_proj", "down_proj"], group_size=8)
    options.update(settings)
    return Case(lambda: RoadConfig(**options), base=base, values=VALUES, **(case or {}))


CASES = {
    "road": road(),
    "road-biased": road("biased", group_size=4, target_modules="all-linear"),
    "road-2": road(variant="road_2"),
    "road-4": road(variant="road_4"),
}
