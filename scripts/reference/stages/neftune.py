# NEFTune, arXiv:2310.05914: one loss and its gradient with noise that is given instead of drawn.
#
# What each token is embedded as gets u · α / √(L · d): u in −1 … 1, L the tokens of its sequence, d the hidden size.
import math

import torch
from common import label_logits, number, patterned, picked, policy, stored
from transformers.integrations.neftune import neftune_post_forward_hook

ALPHA = 5.0


def unit_noise(row, length, size):
    """u of a row of rows.json, by formula."""
    return patterned(f"noise.{row}", (length, size), 1.0)


def magnitude(length, size):
    return ALPHA / math.sqrt(length * size)


def check(size):
    """That transformers draws from the same interval."""
    module = torch.nn.Identity().train()
    module.neftune_noise_alpha = ALPHA
    for length in [7, 40]:
        drawn = neftune_post_forward_hook(module, (torch.zeros(1, length),), torch.zeros(1, length, size))
        assert 0.98 * magnitude(length, size) < drawn.abs().max() <= magnitude(length, size)


def values():
    return []


def data():
    dtype, model, rows = torch.float64, policy("full", torch.float64), stored("rows.json")[:4]
    check(model.config.hidden_size)
    losses = []
    for row, sequence in enumerate(rows):
        length = len(sequence["ids"])
        noise = unit_noise(row, length, model.config.hidden_size).to(dtype) * magnitude(length, model.config.hidden_size)
        hook = model.get_input_embeddings().register_forward_hook(lambda *call, noise=noise: call[2] + noise)
        losses.append(-picked(*label_logits(model, sequence)))
        hook.remove()
    loss = torch.cat(losses).mean()
    loss.backward()
    norm = torch.cat([p.grad.flatten() for p in model.parameters() if p.grad is not None]).norm()
    plain = torch.cat([-picked(*label_logits(model, sequence)) for sequence in rows]).mean()
    return {"rows": "Training/rows.json", "count": len(rows), "alpha": ALPHA, "loss": number(loss),
            "grad_norm": number(norm), "plain_loss": number(plain)}


def runs():
    return []
