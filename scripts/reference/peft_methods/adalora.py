# AdaLoRA: W + B·diag(E)·A, whose ranks are taken away step by step where they matter least; and LN tuning.
import torch
from common import (
    Case, attached, close, digits, logits_of, parameters_by_saved_name, patterned, reloaded, sample, saved,
    sequences, set_by_formula, written_logits)
from peft import AdaLoraConfig, LNTuningConfig

VALUES = [(r"lora_E", 0, 0.5), (r"lora_(A|B)", 0, 0.4)]
RATE = 0.05


def schedule(settings):
    def more(case):
        model = attached(case)
        set_by_formula(model, case)
        tuner = model.base_model
        config, allocator = model.peft_config["default"], tuner.rankallocator
        parameters = {n: p for n, p in sorted(parameters_by_saved_name(model).items()) if p.requires_grad}
        penalty = 0
        for name, p in parameters.items():
            if "lora_E" not in name:
                square = p @ p.T if "lora_A" in name else p.T @ p
                penalty = penalty + torch.norm(square - torch.eye(len(square)))
        penalty = penalty / sum("lora_E" not in n for n in parameters)
        penalty.backward()
        ids = torch.tensor([sequences()[0]["ids"]])
        plain = torch.nn.functional.cross_entropy(logits_of(model, ids[0].tolist())[:-1], ids[0, 1:])
        assert abs(model(input_ids=ids, labels=ids).loss - plain - config.orth_reg_weight * penalty) < 1e-5
        made = {"penalty": digits(penalty.item()), "penalty_gradients": {
            n: sample(p.grad) for n, p in parameters.items() if p.grad is not None}}

        run = []
        for step in range(1, config.total_step + 1):
            with torch.no_grad():
                for name, p in parameters.items():
                    p.grad = patterned(f"{step} {name}", tuple(p.shape), 1.0)
                    p -= RATE * p.grad
            before, budget = config.rank_pattern, allocator.budget_schedule(step)
            if budget[1] and budget[0] == allocator.init_bgt:
                budget = (budget[0], False)
                allocator.update_ipt(tuner.model)  # PEFT fails here: nothing is to be taken away
            else:
                tuner.update_and_allocate(step)
            after = config.rank_pattern
            ranks = None if after is before else {n.replace(".default", ""): sum(v) for n, v in sorted(after.items())}
            run.append({"step": step, "budget": budget[0], "ranks": ranks})
        made["run"] = {
            "rate": RATE, "steps": run,
            "rank_pattern": {n.replace(".default", ""): v for n, v in sorted(config.rank_pattern.items())},
            "E": {n: [digits(x) for x in p.flatten().tolist()] for n, p in parameters.items() if "lora_E" in n},
            "logits": written_logits(model)}
        written, tensors = saved(model)
        made["run"]["saved"] = [{"name": n, "shape": list(t.shape)} for n, t in tensors.items()]
        made["run"]["saved_rank_pattern"] = written["rank_pattern"]
        made["run"]["reloads"] = close(written_logits(reloaded(model, case)), made["run"]["logits"])
        return made
    options = dict(task_type="CAUSAL_LM", target_modules=["q_proj", "v_proj", "down_proj"], lora_alpha=6, **settings)
    return Case(lambda: AdaLoraConfig(**options), values=VALUES, more=more)


NORMS = ["input_layernorm", "post_attention_layernorm", "model.norm"]
CASES = {
    "adalora": schedule(dict(init_r=6, target_r=2, tinit=3, tfinal=5, deltaT=2, total_step=20, orth_reg_weight=0.3)),
    "adalora-each": schedule(dict(init_r=4, target_r=3, tinit=0, tfinal=4, deltaT=1, total_step=20, beta1=0.5)),
    "norms": Case(
        lambda: LNTuningConfig(task_type="CAUSAL_LM", target_modules=NORMS), values=[(r"ln_tuning_layers", 1, 0.2)]),
    "norms-default": Case(
        lambda: LNTuningConfig(task_type="CAUSAL_LM"), base="tied", values=[(r"ln_tuning_layers", 1, 0.2)]),
}
