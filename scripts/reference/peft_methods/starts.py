# Starts of LoRA that look at the base or at data: PiSSA, OLoRA (both change the base), CorDA, EVA, LoftQ, LoRA-GA.
#
# Signs of singular vectors are a library's choice, so what is written of a start does not depend on them: norms of the
# matrices, values of B·A, the base that is left, singular values, logits, and the losses of training from there.
import importlib.machinery
import os
import sys
import tempfile
import types

import torch
from common import (
    Case, attached, base_model, digits, logits_of, loss_of, sample, saved, sequences, stepped, written_logits)
from peft import EvaConfig, LoftQConfig, LoraConfig, PeftModel, get_peft_model, initialize_lora_eva_weights
from peft.tuners.lora.config import CordaConfig
from peft.tuners.lora.corda import preprocess_corda
from peft.utils import loftq_utils

NF4 = [
    -1.0, -0.6961928009986877, -0.5250730514526367, -0.39491748809814453, -0.28444138169288635, -0.18477343022823334,
    -0.09105003625154495, 0.0, 0.07958029955625534, 0.16093020141124725, 0.24611230194568634, 0.33791524171829224,
    0.44070982933044434, 0.5626170039176941, 0.7229568362236023, 1.0]
TARGETS = ["q_proj", "v_proj", "down_proj"]


def settings_of(start, **settings):
    options = dict(
        r=3, lora_alpha=6, lora_dropout=0.0, task_type="CAUSAL_LM", target_modules=TARGETS, init_lora_weights=start)
    options.update(settings)
    return options


def started(model):
    """What a start made of each map."""
    found = {}
    for name, layer in model.base_model.model.named_modules():
        if hasattr(layer, "lora_A"):
            a, b = layer.lora_A["default"].weight, layer.lora_B["default"].weight
            found[name] = {
                "rank": a.shape[0], "scale": layer.scaling["default"],
                "row_norms_a": [digits(x) for x in a.double().norm(dim=1).tolist()],
                "column_norms_b": [digits(x) for x in b.double().norm(dim=0).tolist()],
                "product": sample(b @ a), "base": sample(layer.get_base_layer().weight)}
    return found


def start(model, base="untied"):
    """The start, and six steps from it."""
    with torch.no_grad():
        difference = max(
            (logits_of(base_model(base), s["ids"]) - logits_of(model, s["ids"])).abs().max().item()
            for s in sequences())
    made = {"maps": started(model), "largest_logit_difference_from_base": digits(difference, 3)}
    losses, _ = stepped(model, sequences(), 6)
    made["losses"] = losses + [digits(loss_of(model, sequences()).item())]
    return made


def converted(case):
    """Three steps from the start, saved as an ordinary LoRA of twice the rank for the base as it was."""
    with tempfile.TemporaryDirectory() as folder:
        first = attached(case)
        first.peft_config["default"].init_lora_weights = True  # or loading it would change the base once more
        first.save_pretrained(os.path.join(folder, "first"))
        model = attached(case)
        stepped(model, sequences(), 3)
        logits = written_logits(model)
        out = os.path.join(folder, "converted")
        model.save_pretrained(out, path_initial_model_for_weight_conversion=os.path.join(folder, "first"))
        again = PeftModel.from_pretrained(base_model(case.base), out).eval()
        config, tensors = saved(again)
        largest = max(abs(x - y) for p, q in zip(written_logits(again), logits) for x, y in zip(p, q))
        assert largest < 1e-4, largest
        keys = ("r", "lora_alpha", "rank_pattern", "alpha_pattern", "use_rslora", "init_lora_weights")
        return {
            "after_steps": 3, "adapter_config": {k: config[k] for k in keys},
            "saved": [{"name": n, "shape": list(t.shape)} for n, t in tensors.items()], "logits": logits}


def changes_base(name, base="untied", **settings):
    options = settings_of(name, **settings)

    def more(case):
        made = {"start": start(attached(case), case.base)}
        if not settings.get("rank_pattern") or not settings.get("use_rslora"):
            made["converted"] = converted(case)
        return made
    return Case(lambda: LoraConfig(**options), base=base, more=more)


def corda(method):
    def run(model):
        with torch.no_grad():
            for s in sequences():
                logits_of(model, s["ids"])

    def more(_):
        options = settings_of("corda", corda_config=CordaConfig(corda_method=method))
        base = base_model("untied")
        config = LoraConfig(**options)
        torch.manual_seed(1)
        preprocess_corda(base, config, run_model=lambda: run(base))
        return {"start": start(get_peft_model(base, config).eval())}
    # With the values of the formula it is LoRA on the plain base, as PEFT can only load the rest when it is prepared.
    return Case(lambda: LoraConfig(**settings_of(True)), more=more)


def eva(rho, **settings):
    def more(_):
        options = settings_of("eva", eva_config=EvaConfig(rho=rho, tau=0.99), **settings)
        torch.manual_seed(1)
        model = get_peft_model(base_model("untied"), LoraConfig(**options)).eval()
        # The same batch again and again until its directions stand still: one sequence, so that there is no padding.
        rows = [{"input_ids": torch.tensor([s["ids"]])} for s in sequences() if len(s["ids"]) == 16]
        initialize_lora_eva_weights(model, rows, show_progress_bar=False)
        config, tensors = saved(model)
        return {"start": start(model), "sequence": 3, "start_config": {
            k: config[k] for k in ("r", "rank_pattern", "alpha_pattern", "target_modules")}}
    return Case(lambda: LoraConfig(**settings_of(True, **settings)), more=more)


def loftq(bits, iterations):
    """PEFT's own iteration, with the values of bitsandbytes' NF4 and without a GPU."""
    def more(_):
        for name in ("bitsandbytes", "scipy"):  # neither is used in what follows
            module = sys.modules.setdefault(name, types.ModuleType(name))
            module.__spec__ = module.__spec__ or importlib.machinery.ModuleSpec(name, None)
        loftq_utils.is_bnb_available, loftq_utils.is_bnb_4bit_available = lambda: True, lambda: False
        loftq_utils.NFQuantizer.create_normal_map = staticmethod(lambda num_bits: torch.tensor(NF4))
        # PEFT does not take the scale into account; with alpha = r it is 1.
        options = settings_of(
            "loftq", lora_alpha=3, loftq_config=LoftQConfig(loftq_bits=bits, loftq_iter=iterations))
        return {"bits": bits, "iterations": iterations, "start": start(
            get_peft_model(base_model("untied"), LoraConfig(**options)).eval())}
    return Case(lambda: LoraConfig(**settings_of(True, lora_alpha=3)), more=more)


def lora_ga(gamma=16):
    """LoRA-GA (arXiv:2407.05000) by its definition; this version of PEFT does not have it."""
    def more(case):
        base = base_model("untied").requires_grad_(True)
        loss_of(base, sequences()).backward()
        model = attached(case)
        gradients = {}
        with torch.no_grad():
            for name, layer in model.base_model.model.named_modules():
                if hasattr(layer, "lora_A"):
                    gradient = base.get_submodule(name).weight.grad
                    rank, scale = layer.r["default"], layer.scaling["default"]
                    left, values, right = torch.linalg.svd(gradient, full_matrices=False)
                    size = gradient.shape[0] ** 0.25 / gamma ** 0.5
                    layer.lora_A["default"].weight.copy_(right[:rank] * size)
                    layer.lora_B["default"].weight.copy_(left[:, rank:2 * rank] * size)
                    layer.get_base_layer().weight.sub_(
                        scale * layer.lora_B["default"].weight @ layer.lora_A["default"].weight)
                    gradients[name] = {
                        **sample(gradient), "singular_values": [digits(x) for x in values[:2 * rank + 1].tolist()]}
        return {"gamma": gamma, "base_gradients": gradients, "start": start(model)}
    return Case(lambda: LoraConfig(**settings_of(True)), more=more)


CASES = {
    "pissa": changes_base("pissa"),
    "pissa-rslora": changes_base("pissa", "tied", use_rslora=True, r=4, lora_alpha=3),
    "pissa-patterns": changes_base("pissa", rank_pattern={"v_proj": 5}, alpha_pattern={"down_proj": 2}),
    "olora": changes_base("olora"),
    "olora-biased": changes_base("olora", "biased", lora_alpha=3),
    "corda-ipm": corda("ipm"),
    "corda-kpm": corda("kpm"),
    "eva": eva(1.0),
    "eva-redistributed": eva(2.0, target_modules=["q_proj", "o_proj", "down_proj"], r=4),
    "loftq": loftq(4, 1),
    "loftq-iterated": loftq(4, 5),
    "lora-ga": lora_ga(),
}
