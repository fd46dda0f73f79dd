# Continued pre-training: every token of a text but its first is a label; a row packs pieces of texts, none of which
# sees another, and no tail is dropped.
#
# A block of `block` tokens takes texts one after the other; a text that does not fit is cut, and its next piece begins
# the next block as a sequence of its own. The last block may be short.
import random

import torch
from common import FULL, STEPS, Descent, label_logits, numbers, picked, policy

BLOCK = 32


def texts():
    source = random.Random(17)
    return [[source.randrange(90) for _ in range(n)] for n in [20, 7, 41, 1, 12, 30, 9, 70, 3, 16, 25, 11]]


def blocks():
    """Rows of pieces."""
    rows, room = [[]], BLOCK
    for text in texts():
        while text:
            if room == 0:
                rows.append([])
                room = BLOCK
            rows[-1].append(text[:room])
            text, room = text[room:], room - len(rows[-1][-1])
    return rows


def values():
    return []


def data():
    return {"block": BLOCK, "texts": texts(), "blocks": blocks()}


def descend(dtype, kind, settings):
    rows, model = blocks(), policy(kind, dtype)
    step_of = Descent([model], **{k: settings[k] for k in FULL})
    steps = []
    for step in range(STEPS):
        losses = []
        for row in numbers(rows, step, settings["batch"]):
            for piece in rows[row]:
                if len(piece) > 1:
                    losses.append(-picked(*label_logits(model, {"ids": piece, "trained": [True] * len(piece)})))
        loss = torch.cat(losses).mean()
        steps.append(step_of(loss, {"perplexity": loss.exp()}))
    return steps


def runs():
    return [("packed", descend, "full", dict(FULL, batch=3))]
