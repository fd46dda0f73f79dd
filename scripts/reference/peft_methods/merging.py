# Several LoRA adapters put together into one: add_weighted_adapter, as PEFT does it and as it is defined.
import torch
from common import base_model, formula, get_peft_model_state_dict, patterned, sample, write, written_logits
from peft import LoraConfig, get_peft_model
from peft.utils import merge_utils

ADAPTERS = {"first": (4, 8), "second": (4, 2), "third": (4, 6)}  # rank and alpha: scales 2, 0.5, 1.5
WEIGHTS = [0.7, -0.4, 1.1]
DENSITY = 0.6


def options(rank, alpha, **settings):
    return LoraConfig(r=rank, lora_alpha=alpha, task_type="CAUSAL_LM", target_modules=["q_proj", "v_proj"], **settings)


def loaded(adapters, **settings):
    """The base with all adapters, whose values come from the formula of "<adapter>.<saved name>"."""
    model, described = None, []
    for name, (rank, alpha) in adapters.items():
        if model is None:
            model = get_peft_model(base_model("untied"), options(rank, alpha, **settings), adapter_name=name)
        else:
            model.add_adapter(name, options(rank, alpha, **settings))
    with torch.no_grad():
        for name in adapters:
            model.set_adapter(name)
            for key, tensor in get_peft_model_state_dict(model, adapter_name=name).items():
                description = {
                    "name": f"{name}.{key}", "shape": list(tensor.shape), "mean": 0, "amplitude": 0.3}
                described.append(description)
                tensor.copy_(formula(description))
    return model.eval(), described


def masks(rescale):
    """Which elements DARE keeps: those whose value of a formula is low, one tensor after another."""
    count = 0

    def pruned(tensor, density, **_):
        nonlocal count
        kept = (patterned(f"dare {count}", tuple(tensor.shape), 1.0) < 2 * density - 1).float()
        count += 1
        return tensor * kept / (density if rescale else 1)
    return pruned


def combined(kind, adapters=ADAPTERS, weights=WEIGHTS, rescale=False, base_options=None, **settings):
    model, _ = loaded(adapters, **(base_options or {}))
    merge_utils.random_pruning = masks(rescale)
    model.add_weighted_adapter(list(adapters), weights, "together", combination_type=kind, **settings)
    model.set_adapter("together")
    config = model.peft_config["together"]
    state = {n: t for n, t in sorted(get_peft_model_state_dict(model, adapter_name="together").items())}
    products = {}
    for name, layer in model.base_model.model.named_modules():
        if hasattr(layer, "lora_A"):
            products[name] = sample(layer.get_delta_weight("together"))
    made = {
        "combination_type": kind, "adapters": list(adapters), "weights": weights, "settings": settings,
        "r": config.r, "lora_alpha": config.lora_alpha, "updates": products, "logits": written_logits(model)}
    if "svd" not in kind:  # signs of singular vectors are a library's choice
        made["tensors"] = {n: sample(t) for n, t in state.items()}
    if "dare" in kind:
        made["rescaled"] = rescale
    return made


def make(name):
    _, described = loaded(ADAPTERS)
    other = {"first": (4, 8), "second": (2, 2)}
    found = {
        "linear": combined("linear"),
        "linear-positive": combined("linear", weights=[0.7, 0.4, 1.1]),
        "linear-one-negative": combined("linear", adapters={"first": (4, 8)}, weights=[-0.5]),
        "linear-rslora": combined("linear", base_options=dict(use_rslora=True)),
        "cat": combined("cat"),
        "cat-ranks": combined("cat", adapters=other, weights=[0.7, -0.4]),
        "svd": combined("svd"),
        "svd-rank": combined("svd", adapters=other, weights=[0.7, -0.4], svd_rank=3),
        "ties": combined("ties", density=DENSITY),
        "ties-frequency": combined("ties", density=DENSITY, majority_sign_method="frequency"),
        "ties_svd": combined("ties_svd", density=DENSITY),
        "dare_linear": combined("dare_linear", density=DENSITY),
        "dare_linear-rescaled": combined("dare_linear", density=DENSITY, rescale=True),
        "dare_ties": combined("dare_ties", density=DENSITY),
        "dare_ties-rescaled": combined("dare_ties", density=DENSITY, rescale=True),
        "dare_linear_svd": combined("dare_linear_svd", density=DENSITY),
        "magnitude_prune": combined("magnitude_prune", density=DENSITY),
        "magnitude_prune_svd": combined("magnitude_prune_svd", density=DENSITY),
    }
    write(name, {
        "case": name, "base": "untied", "adapters": {n: {"r": r, "lora_alpha": a} for n, (r, a) in ADAPTERS.items()},
        "other_ranks": {n: {"r": r, "lora_alpha": a} for n, (r, a) in other.items()}, "tensors": described,
        "density": DENSITY, "combinations": found})


CASES = {"merging": make}
