# Optimizers that see one element at a time: SGD, AdamW, Lion.
import torch
from common import run, write
from lion_pytorch import Lion

BETAS = (0.9, 0.99)


def one(make_class, variant, **settings):
    """A run of a class over all tensors as one group."""
    return run(variant, settings, lambda made: make_class(made.values(), lr=1.0, **settings))


def sgd(name):
    write(name, "torch.optim.SGD of torch 2.13.0", [
        one(torch.optim.SGD, "plain"),
        one(torch.optim.SGD, "decay", weight_decay=0.1),
        one(torch.optim.SGD, "momentum", momentum=0.9),
        one(torch.optim.SGD, "nesterov with decay", momentum=0.9, nesterov=True, weight_decay=0.1),
        one(torch.optim.SGD, "dampening with decay", momentum=0.9, dampening=0.5, weight_decay=0.1)])


def adamw(name):
    write(name, "torch.optim.AdamW of torch 2.13.0", [
        one(torch.optim.AdamW, "plain", betas=BETAS, eps=1e-8, weight_decay=0.0),
        one(torch.optim.AdamW, "decay", betas=BETAS, eps=1e-8, weight_decay=0.1),
        one(torch.optim.AdamW, "large epsilon", betas=(0.8, 0.95), eps=1e-2, weight_decay=0.1),
        one(torch.optim.AdamW, "amsgrad", betas=BETAS, eps=1e-8, weight_decay=0.0, amsgrad=True)])


def lion(name):
    write(name, "lion-pytorch 0.2.5", [
        one(Lion, "plain", betas=(0.9, 0.99), weight_decay=0.0),
        one(Lion, "decay", betas=(0.95, 0.98), weight_decay=0.1)])


FIXTURES = {"sgd": sgd, "adamw": adamw, "lion": lion}
