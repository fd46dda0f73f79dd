# CAME: Adafactor with the instability of the update factored in the same way.
from came_pytorch import CAME
from common import run, write


def came(name):
    def one(variant, **settings):
        return run(variant, settings, lambda made: CAME(made.values(), lr=1.0, **settings))
    write(name, "came-pytorch 0.1.3", [
        one("plain"),
        one("decay", weight_decay=0.1),
        one("faster means, clipped harder", betas=(0.8, 0.95, 0.98), clip_threshold=0.5, weight_decay=0.1)])


FIXTURES = {"came": came}
