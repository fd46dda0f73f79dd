# Schedule-free AdamW and SGD. The parameter holds y, where gradients are taken, in training and x, the mean, in
# evaluation; `z.<name>` and `x.<name>` stand beside the values (y) of each step.
from common import RATES, numbers, run, write
from schedulefree import AdamWScheduleFree, SGDScheduleFree


def kept(optimizer, made):
    seen = {f"z.{name}": numbers(optimizer.state[p]["z"]) for name, p in made.items()}
    before = {name: p.detach().clone() for name, p in made.items()}
    optimizer.eval()
    seen.update({f"x.{name}": numbers(p) for name, p in made.items()})
    optimizer.train()
    for name, p in made.items():  # going there and back rounds; the steps shall not see it
        p.data.copy_(before[name])
    return seen


def one(kind, variant, rates=None, **settings):
    def make(made):
        optimizer = kind(made.values(), lr=0.01, foreach=False, **settings)
        optimizer.train()
        return optimizer
    return run(variant, settings, make, rates=rates, seen=(1, 5, 20), read=kept, learning_rates=rates or [0.01] * 20)


def schedule_free(name):
    betas = (0.9, 0.99)
    write(name, "schedulefree 1.4.1, AdamWScheduleFree", [
        one(AdamWScheduleFree, "plain", betas=betas),
        one(AdamWScheduleFree, "warm-up and decay", betas=betas, warmup_steps=4, weight_decay=0.1),
        one(AdamWScheduleFree, "a rate that changes", rates=RATES, betas=betas, weight_decay=0.1, r=1.0)], rates=None)


def schedule_free_sgd(name):
    write(name, "schedulefree 1.4.1, SGDScheduleFree", [
        one(SGDScheduleFree, "warm-up and decay", momentum=0.9, warmup_steps=4, weight_decay=0.1)], rates=None)


FIXTURES = {"schedule_free": schedule_free, "schedule_free_sgd": schedule_free_sgd}
