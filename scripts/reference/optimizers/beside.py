# What stands beside an optimizer or instead of one: LOMO's update within the backward pass, means of the weights, and
# which parameters go into which group.
import torch
from common import RATES, SEEN, STEPS, TENSORS, gradient, numbers, parameters, run, write
from lomo_optim import Lomo
from peft import LoraConfig, get_peft_model
from peft.optimizers import create_loraplus_optimizer
from torch.optim.swa_utils import AveragedModel, get_ema_multi_avg_fn
from transformers import (
    AutoModelForCausalLM, Cohere2Config, Gemma2Config, GPT2Config, LlamaConfig, Olmo2Config, Qwen3Config, Trainer)


class Product(torch.nn.Module):
    """A model whose loss has the gradients of common.py: the products of its parameters with them."""

    def __init__(self):
        super().__init__()
        self.parts = torch.nn.ParameterDict(parameters(TENSORS))

    def loss(self, step):
        return sum((self.parts[spec["name"]] * gradient(spec, step)).sum() for spec in TENSORS)


def lomo(name):
    def one(variant, clip_grad_norm=None, clip_grad_value=None, weight_decay=0.0):
        settings = dict(clip_grad_norm=clip_grad_norm, clip_grad_value=clip_grad_value, weight_decay=weight_decay)
        model = Product()
        optimizer = Lomo(model, lr=0.0, **settings)
        after = {}
        for step in range(1, STEPS + 1):
            if clip_grad_norm:
                optimizer.grad_norm(model.loss(step))
            optimizer.fused_backward(model.loss(step), RATES[step - 1])
            if step in SEEN:
                after[str(step)] = {spec["name"]: numbers(model.parts[spec["name"]]) for spec in TENSORS}
        return {"variant": variant, "settings": settings, "after": after}
    write(name, "lomo-optim 0.1.1, Lomo", [
        one("plain"),
        one("clipped by the norm of all, decay", clip_grad_norm=1.0, weight_decay=0.1),
        one("clipped by value", clip_grad_value=0.2, weight_decay=0.1)])


def ema(name):
    """SGD, and the mean of the weights after every step; the first mean is the weights after step 1."""
    def one(variant, decay):
        def make(made):
            optimizer = torch.optim.SGD(made.values(), lr=1.0)
            holder = torch.nn.ParameterDict(made)
            mean = AveragedModel(holder, multi_avg_fn=get_ema_multi_avg_fn(decay))
            optimizer.register_step_post_hook(lambda *_: mean.update_parameters(holder))
            optimizer.mean = mean
            return optimizer
        return run(variant, {"decay": decay}, make, seen=(1, 2, 20), read=lambda optimizer, made: {
            f"mean.{key}": numbers(p) for key, p in optimizer.mean.module.items()})
    write(name, "torch.optim.swa_utils.AveragedModel of torch 2.13.0", [one("0.9", 0.9), one("0.99", 0.99)])


TINY = dict(vocab_size=11, hidden_size=8, intermediate_size=6, num_hidden_layers=1, num_attention_heads=2,
            num_key_value_heads=1, head_dim=4, pad_token_id=None)
FAMILIES = {"llama with biases": LlamaConfig(**TINY, attention_bias=True, mlp_bias=True), "qwen3": Qwen3Config(**TINY),
            "gemma2": Gemma2Config(**TINY), "olmo2": Olmo2Config(**TINY), "cohere2": Cohere2Config(**TINY),
            "gpt2": GPT2Config(vocab_size=11, n_embd=8, n_layer=1, n_head=2, n_positions=8)}


def decays(model):
    """Which parameters the Trainer lets decay: by the type of their module and by their name."""
    decaying = Trainer.get_decay_parameter_names(None, model)
    return {n: n in decaying for n, _ in model.named_parameters()}


def lora_plus(**settings):
    model = get_peft_model(AutoModelForCausalLM.from_config(FAMILIES["llama with biases"]), LoraConfig(
        r=2, target_modules=["embed_tokens", "q_proj", "down_proj"], modules_to_save=["lm_head"], bias="all",
        use_dora=True))
    optimizer = create_loraplus_optimizer(model, torch.optim.AdamW, lr=1e-4, loraplus_lr_ratio=16.0, **settings)
    names = {id(p): n for n, p in model.named_parameters()}
    return {"settings": settings, "parameters": {
        names[id(p)]: {"rate": group["lr"], "weight_decay": group["weight_decay"]}
        for group in optimizer.param_groups for p in group["params"]}}


def groups(name):
    torch.manual_seed(0)
    runs = [{"variant": "weight decay of the Trainer: " + family, "decays": decays(
        AutoModelForCausalLM.from_config(config))} for family, config in FAMILIES.items()]
    runs += [{"variant": "LoRA+", **lora_plus()},
             {"variant": "LoRA+ with decay", **lora_plus(loraplus_weight_decay=0.1, loraplus_lr_embedding=1e-5)}]
    write(name, "Trainer of transformers 5.6.2; peft 0.18.1, create_loraplus_optimizer", runs, tensors=[], rates=None)


FIXTURES = {"lomo": lomo, "ema": ema, "groups": groups}
