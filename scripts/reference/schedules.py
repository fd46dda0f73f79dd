# Makes: Tests/Fixtures/Schedules/schedules.json: the learning rate of every step as a factor of its peak.
# With:  requirements.txt of this folder.
# Run:   python scripts/reference/schedules.py
#
# One entry: `name` as transformers spells it, `settings` as its functions (or torch's classes) call them, `total` steps,
# `warmup` as it was given (steps, or a share below 1), `warmup_steps` as it was resolved, and `factors`: that of step k,
# from 0, stands at k; the last one, at `total`, is what the schedule ends with. Schedules of the package are run as
# LambdaLR runs them. REX and the cosine with a constant tail are in none of the packages: their formulas stand here.
import json
import math
from pathlib import Path

import torch
from torch.optim.lr_scheduler import LambdaLR, OneCycleLR, ReduceLROnPlateau
from transformers import TrainingArguments
from transformers.optimization import get_scheduler

OUT = Path(__file__).resolve().parents[2] / "Tests/Fixtures/Schedules/schedules.json"
PEAK = 2e-4
RUNS = [(7, 0), (7, 3), (50, 0.1)]
MORE_RUNS = RUNS + [(50, 3), (50, 0.03), (100, 0), (100, 3)]
# Two falls with a rest between them, a rise, and steps too small to count.
LOSSES = [2.0, 1.5, 1.2, 1.2, 1.19999, 1.25, 1.3, 1.21, 1.1, 1.1, 1.12, 1.09995, 1.11, 1.15, 1.2, 0.9, 0.91, 0.92,
          0.93, 0.94, 0.95, 0.96, 0.97, 0.98, 0.899, 0.8985, 0.9, 0.9, 0.9, 0.9]


def optimizer():
    return torch.optim.AdamW([torch.nn.Parameter(torch.zeros(1))], lr=PEAK, betas=(0.9, 0.999))


def walked(made, count, see):
    """What `see` reads before each of `count` steps."""
    seen = []
    for _ in range(count):
        seen.append(see())
        made.optimizer.step()
        made.step()
    return seen


def warmup_steps(warmup, total):
    """As the Trainer resolves them: a share is rounded up."""
    return TrainingArguments(warmup_steps=warmup).get_warmup_steps(total)


def packaged(name, runs=RUNS, **settings):
    """A schedule of transformers."""
    for total, warmup in runs:
        steps = warmup_steps(warmup, total)
        given = {k: v(total, steps) if callable(v) else v for k, v in settings.items()}
        made = get_scheduler(name, optimizer(), steps, total, scheduler_specific_kwargs=dict(given))
        factor = made.lr_lambdas[0]
        assert all(abs(lr / PEAK - factor(k)) < 1e-12 for k, lr in enumerate(
            walked(made, total + 1, lambda: made.get_last_lr()[0])))
        yield entry(name, given, total, warmup, steps, [float(factor(k)) for k in range(total + 1)])


def formula(name, factor, runs=RUNS, **settings):
    """A schedule that is given as `factor(step, total, warm-up, settings)`."""
    for total, warmup in runs:
        steps = warmup_steps(warmup, total)
        factors = [factor(k, total, steps, **settings) for k in range(total + 1)]
        yield entry(name, settings, total, warmup, steps, factors)


def entry(name, settings, total, warmup, steps, factors):
    return {"name": name, "settings": settings, "total": total, "warmup": warmup, "warmup_steps": steps,
            "factors": factors}


def rex(step, total, warmup, alpha, beta, min_lr_ratio=0.0):
    """z / (alpha + beta z) of what is left, z: the paper has 1/2 and 1/2, Axolotl 0.1 and 0.9."""
    if step < warmup:
        return step / warmup
    left = max(0, total - step) / max(1, total - warmup)
    return min_lr_ratio + (1 - min_lr_ratio) * left / (alpha + beta * left)


def rex_of_axolotl(step, total, warmup, alpha, beta, min_lr_ratio=0.0):
    """The same, one step ahead: its counter starts with 1."""
    step += 1
    if step <= warmup:
        return step / warmup
    return rex(step, total, warmup, alpha, beta, min_lr_ratio)


def cosine_with_constant_tail(step, total, warmup, constant_lr_ratio, min_lr_ratio):
    """The floor is reached after a share of all steps, warm-up among them; Axolotl's cosine_constant_lr_ratio."""
    if step < warmup:
        return step / max(1, warmup)
    end = int(total * constant_lr_ratio)
    progress = (min(step, end) - warmup) / max(1, end - warmup)
    return max(0, (1 - min_lr_ratio) * 0.5 * (1 + math.cos(math.pi * progress))) + min_lr_ratio


def cosine_with_quadratic_warmup(step, total, warmup):
    if step < warmup:
        return (step / max(1, warmup)) ** 2
    return max(0.0, 0.5 * (1 + math.cos(math.pi * (step - warmup) / max(1, total - warmup))))


def one_cycle(total, **settings):
    """torch's class; the first beta moves against the rate (0.95, 0.85 at the peak), unless cycle_momentum is off."""
    made = OneCycleLR(optimizer(), max_lr=PEAK, total_steps=total, **settings)
    group = made.optimizer.param_groups[0]
    seen = walked(made, total, lambda: (group["lr"] / PEAK, group["betas"][0]))
    return {"name": "one_cycle", "settings": settings, "total": total, "factors": [factor for factor, _ in seen],
            "beta1": [beta for _, beta in seen]}


def plateau(losses, **settings):
    """torch's class: `factors` holds the one after each loss; the threshold `eps` is of the rate itself."""
    made = ReduceLROnPlateau(optimizer(), **settings)
    factors = []
    for loss in losses:
        made.step(loss)
        factors.append(made.optimizer.param_groups[0]["lr"] / PEAK)
    return {"name": "reduce_lr_on_plateau", "settings": settings, "metrics": losses, "factors": factors}


def schedules():
    yield from packaged("constant")
    yield from packaged("constant_with_warmup", MORE_RUNS)
    yield from packaged("linear", MORE_RUNS)
    yield from packaged("cosine", MORE_RUNS)
    yield from packaged("cosine", num_cycles=1.25)
    for cycles in 1, 2, 3:
        yield from packaged("cosine_with_restarts", RUNS + [(100, 3)] * (cycles == 3), num_cycles=cycles)
    yield from packaged("cosine_with_min_lr", MORE_RUNS, min_lr_rate=0.1)
    yield from packaged("cosine_with_min_lr", min_lr=3e-5)
    yield from packaged("cosine_warmup_with_min_lr", MORE_RUNS, min_lr_rate=0.1)
    yield from packaged("cosine_warmup_with_min_lr", min_lr=3e-5, warmup_lr_rate=0.25)
    yield from packaged("polynomial", MORE_RUNS)
    yield from packaged("polynomial", power=2.0, lr_end=1e-5)
    yield from packaged("polynomial", power=0.5, lr_end=0.0)
    yield from packaged("inverse_sqrt", MORE_RUNS)
    yield from packaged("inverse_sqrt", timescale=20)
    for shape in "linear", "cosine", "1-sqrt":
        for floor in 0.0, 0.1:
            yield from packaged("warmup_stable_decay", num_decay_steps=lambda total, _: max(2, total // 5),
                                warmup_type=shape, decay_type=shape, min_lr_ratio=floor)
    yield from packaged("warmup_stable_decay", num_decay_steps=lambda total, _: total // 3, num_cycles=1.5)
    # As LLaMA-Factory fills in what is not given: a third of the steps after the warm-up stays, the others fall.
    yield from packaged("warmup_stable_decay", num_stable_steps=lambda total, warmup: (total - warmup) // 3,
                        num_decay_steps=lambda total, warmup: total - warmup - (total - warmup) // 3)
    yield from formula("rex", rex, MORE_RUNS, alpha=0.5, beta=0.5)
    yield from formula("rex", rex, alpha=0.1, beta=0.9)
    yield from formula("rex", rex, alpha=0.1, beta=0.9, min_lr_ratio=0.1)
    yield from formula("rex_of_axolotl", rex_of_axolotl, alpha=0.1, beta=0.9, min_lr_ratio=0.1)
    for share in 0.8, 0.5:
        yield from formula("cosine_with_constant_tail", cosine_with_constant_tail,
                           constant_lr_ratio=share, min_lr_ratio=0.1)
    yield from formula("cosine_with_quadratic_warmup", cosine_with_quadratic_warmup)
    for total in 7, 50:
        for strategy in "cos", "linear":
            for three_phase in False, True:
                yield one_cycle(total, pct_start=0.3, anneal_strategy=strategy, three_phase=three_phase)
    yield one_cycle(50, pct_start=0.1, div_factor=10.0, final_div_factor=100.0)
    yield plateau(LOSSES)
    yield plateau(LOSSES, factor=0.5, patience=1)
    yield plateau(LOSSES, factor=0.5, patience=0, cooldown=2, min_lr=1e-5)
    yield plateau(LOSSES, factor=0.5, patience=2, threshold=0.05, threshold_mode="abs")
    yield plateau(LOSSES, factor=0.01, patience=0, eps=1e-7)
    yield plateau([-x for x in LOSSES], mode="max", factor=0.3, patience=1, threshold=0.01, threshold_mode="abs")
    yield plateau([3 - x for x in LOSSES], mode="max", factor=0.3, patience=1, threshold=0.01)


if __name__ == "__main__":
    OUT.parent.mkdir(parents=True, exist_ok=True)
    lines = [json.dumps(one, separators=(",", ":")) for one in schedules()]
    OUT.write_text('{"peak":%r,"schedules":[\n%s\n]}\n' % (PEAK, ",\n".join(lines)))
