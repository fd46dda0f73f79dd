# Adafactor: transformers' class, which the Trainer uses with scale_parameter and relative_step off, and torch's.
import torch
from common import run, write
from transformers.optimization import Adafactor


def packaged(variant, rate=1.0, **settings):
    """Transformers' class; without a rate it makes one of its own from the count of steps."""
    return run(variant, settings, lambda made: Adafactor(made.values(), lr=rate, **settings),
               **({} if rate else {"rates": None, "learning_rates": None}))


def adafactor(name):
    off = dict(scale_parameter=False, relative_step=False)
    write(name, "transformers.optimization.Adafactor of transformers 5.6.2", [
        packaged("as the Trainer has it", **off),
        packaged("as the Trainer has it, with decay", **off, weight_decay=0.1),
        packaged("scaled by the parameter", scale_parameter=True, relative_step=False, weight_decay=0.1),
        packaged("with the first moment, clipped harder", **off, beta1=0.9, clip_threshold=0.5, decay_rate=-0.5,
                 weight_decay=0.1),
        packaged("its own rate", rate=None, weight_decay=0.1),
        packaged("its own rate, warmed up", rate=None, warmup_init=True)])


def torch_adafactor(name):
    def one(variant, **settings):
        return run(variant, settings, lambda made: torch.optim.Adafactor(made.values(), lr=1.0, **settings))
    write(name, "torch.optim.Adafactor of torch 2.13.0", [
        one("plain"),
        one("decay", weight_decay=0.1),
        one("clipped later, decay faster", d=2.0, beta2_decay=-0.5, eps=(1e-3, 1e-2), weight_decay=0.1)])


FIXTURES = {"adafactor": adafactor, "torch_adafactor": torch_adafactor}
