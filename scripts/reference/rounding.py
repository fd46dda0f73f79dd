"""Prints what rounding the linear maps of SmolLM2 does to losses and to the gradients of adapters: docs/decisions/0010.

usage: rounding.py MODEL_FOLDER ROWS.json [COUNT]

Rows are Alpaca's. Every linear map rounds its operands as Anneal's classes do: to bfloat16, or to bytes with a scale for
each 64 neighbours along the summed dimension, as they are or turned by a Hadamard matrix. All else is PyTorch's f32.
"""

import json
import sys

import torch
from transformers import AutoModelForCausalLM, AutoTokenizer

BLOCK = 64
RANK = 8
HADAMARD = torch.ones(1, 1)
while HADAMARD.shape[0] < BLOCK:
    HADAMARD = torch.kron(torch.tensor([[1.0, 1.0], [1.0, -1.0]]), HADAMARD)
HADAMARD /= BLOCK**0.5


def to_bytes(x: torch.Tensor) -> torch.Tensor:
    blocks = x.reshape(*x.shape[:-1], -1, BLOCK)
    scale = blocks.abs().amax(-1, keepdim=True).clamp_min(1e-30) / 127
    return ((blocks / scale).round() * scale).reshape(x.shape)


def turned(x: torch.Tensor) -> torch.Tensor:
    return (x.reshape(*x.shape[:-1], -1, BLOCK) @ HADAMARD).reshape(x.shape)


def to_turned_bytes(x: torch.Tensor) -> torch.Tensor:
    """Bytes of the blocks times a Hadamard matrix, turned back: what products of turned operands amount to."""
    return turned(to_bytes(turned(x)))


def to_half(x: torch.Tensor) -> torch.Tensor:
    return x.bfloat16().float()


class Product(torch.autograd.Function):
    """x Wᵀ with operands rounded in the forward and in the backward pass; the weights are rounded already."""

    @staticmethod
    def forward(context, x, forward_weight, backward_weight, forward_rounding, backward_rounding):
        context.save_for_backward(backward_weight)
        context.rounding = backward_rounding
        return forward_rounding(x) @ forward_weight.T

    @staticmethod
    def backward(context, dy):
        (weight,) = context.saved_tensors
        return context.rounding(dy) @ weight, None, None, None, None


def conversations(tokenizer, rows):
    for row in rows:
        prompt = row["instruction"] + ("\n" + row["input"] if row.get("input") else "")
        text = tokenizer.apply_chat_template(
            [{"role": "user", "content": prompt}], tokenize=False, add_generation_prompt=True
        )
        head = tokenizer(text).input_ids
        yield head, tokenizer(row["output"] + "<|im_end|>").input_ids


def run(model, rows, rounding):
    """Losses of the rows and the gradients of all adapters; `rounding` gives those of a map's two passes."""
    gradients = []
    for name, module in model.named_modules():
        if not isinstance(module, torch.nn.Linear):
            continue
        forward_rounding, backward_rounding = rounding(name)
        weight = module.weight.data
        forward_weight = forward_rounding(weight)
        backward_weight = backward_rounding(weight.T.contiguous()).T.contiguous()
        seed = torch.Generator().manual_seed(sum(map(ord, name)))
        a = (torch.rand(RANK, module.in_features, generator=seed) - 0.5) * 2 / module.in_features**0.5
        b = torch.randn(module.out_features, RANK, generator=seed) * 0.001
        pair = (a.requires_grad_(), b.requires_grad_())
        if "lm_head" not in name:
            gradients.append(pair)

        def forward(x, parts=(forward_weight, backward_weight, forward_rounding, backward_rounding), pair=pair, name=name):
            y = Product.apply(x, *parts)
            return y if "lm_head" in name else y + 2 * (x @ pair[0].T) @ pair[1].T

        module.forward = forward
    losses = []
    for head, tail in rows:
        loss = model(torch.tensor([head + tail]), labels=torch.tensor([[-100] * len(head) + tail])).loss
        losses.append(loss.item())
        (loss * len(tail)).backward()
    return losses, torch.cat([part.grad.flatten() for pair in gradients for part in pair])


def main():
    model = AutoModelForCausalLM.from_pretrained(sys.argv[1], dtype=torch.float32).requires_grad_(False)
    tokenizer = AutoTokenizer.from_pretrained(sys.argv[1])
    count = int(sys.argv[3]) if len(sys.argv) > 3 else 14
    rows = list(conversations(tokenizer, json.load(open(sys.argv[2]))[:count]))
    exact_losses, exact = run(model, rows, lambda name: (lambda x: x, lambda x: x))

    def report(title, rounding):
        losses, gradient = run(model, rows, rounding)
        error = ((gradient - exact).norm() / exact.norm()).item()
        relative = torch.tensor([a / b - 1 for a, b in zip(losses, exact_losses)])
        print(f"{title:45s} gradients {error:6.1%}  loss of a row {relative.square().mean().sqrt().item():6.2%}")

    report("bf16", lambda name: (to_half, to_half))
    for bytes_of, scheme in (to_bytes, "plain"), (to_turned_bytes, "turned"):
        maps = []
        for added in [None, "o_proj", "gate_proj", "up_proj", "down_proj", "proj"]:
            maps += [added] if added else []

            def rounding(name):
                if "lm_head" in name:
                    return to_half, to_half
                return bytes_of if any(kind in name for kind in maps) else to_half, bytes_of

            report(scheme + " bytes backward" + (", forward " + added if added else ""), rounding)


main()
