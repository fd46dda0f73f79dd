# Direct preference optimisation in all its losses: policy against reference over the pairs of Training/pairs.json.
#
# The values come from TRL's DPOTrainer.dpo_loss, and from the papers where TRL 0.24 does something else:
#   ipo           of log-probabilities divided by the answer's tokens, and of no other loss that is mixed with it
#   sigmoid_norm  the sigmoid loss of the same averages
#   sft           + λ · the mean over the pairs of −log p(chosen) ÷ its tokens (arXiv:2404.19733, 2411.10442); TRL takes
#                 the mean over all tokens of a micro-batch, and ignores labels that are token 0
#   wpo           arXiv:2406.11827: a pair's loss times min(1, w(chosen) · w(rejected)), a constant;
#                 log w = the mean over the answer's tokens of log p(token) − log Σ p². TRL 0.24 adds up shifted places.
#                 The sft term is not weighted.
#   ld_alpha      arXiv:2409.06411: in policy and reference, tokens of an answer beyond the length of the shorter one
#                 count α. TRL 0.24 counts places from the prompt's first token, and leaves the reference as it is
#                 (`ld_reference: false`).
#   exo_pair      TRL 0.24 takes a smoothing of 1e-3 where none is given, and keeps it for the losses after it
import torch
from common import (
    ADAPTER, BATCH, FULL, STEPS, Descent, base, label_logits, log_probabilities, number, numbers, pairwise_measures,
    picked, policy, stored, tensor, value)
from trl_functions import DPOTrainer, FDivergenceType, RunningMoments, stand_in

AVERAGED = ["ipo", "sigmoid_norm"]


def trl_losses(chosen, rejected, reference_chosen, reference_rejected, loss, beta, label_smoothing=0.0,
               f_divergence="reverse_kl", f_alpha=1.0, discopop_tau=0.05):
    """TRL's loss of each pair, of numbers that are averages already where the loss wants them."""
    kind = "sigmoid" if loss == "sigmoid_norm" else {"aot_unpaired": "aot_pair"}.get(loss, loss)
    divergence = FDivergenceType({"forward_kl": "alpha_divergence"}.get(f_divergence, f_divergence))
    trainer = stand_in(
        beta=beta, label_smoothing=label_smoothing, reference_free=False, f_divergence_type=divergence,
        f_divergence_params={"alpha_divergence_coef": f_alpha}, args=stand_in(discopop_tau=discopop_tau))
    trainer.running = RunningMoments(trainer.accelerator)
    assert not (loss == "exo_pair" and label_smoothing == 0)
    return DPOTrainer.dpo_loss(trainer, chosen, rejected, reference_chosen, reference_rejected, kind)[0]


def losses(loss="sigmoid", chosen_tokens=None, rejected_tokens=None, beta=0.1, **inputs):
    """The loss of each pair, of sums."""
    if loss in AVERAGED:
        for name in ["chosen", "reference_chosen"]:
            inputs[name] = inputs[name] / chosen_tokens
        for name in ["rejected", "reference_rejected"]:
            inputs[name] = inputs[name] / rejected_tokens
    return trl_losses(loss=loss, beta=beta, **inputs)


def mixed(losses_with_weights, sft=0.0, weights=None, chosen_tokens=None, beta=0.1, **inputs):
    """Several losses with weights, the sft term, and weights of the pairs: (losses, loss)."""
    total = sum(
        weight * losses(loss=loss, beta=beta, chosen_tokens=chosen_tokens, **inputs)
        for loss, weight in losses_with_weights)
    if weights is not None:
        total = total * weights
    total = total + sft * -inputs["chosen"] / chosen_tokens
    return total, total.mean()


def desensitised(chosen, rejected, alpha):
    """Sums over two answers, the longer one's tokens beyond the shorter one's length times alpha."""
    shared = min(len(chosen), len(rejected))
    return [answer[:shared].sum() + alpha * answer[shared:].sum() for answer in [chosen, rejected]]


def ld(chosen, rejected, reference_chosen, reference_rejected, ld_alpha, beta, ld_reference=True):
    pairs = [
        desensitised(*policy_answers, ld_alpha) + desensitised(*reference_answers, ld_alpha if ld_reference else 1)
        for policy_answers, reference_answers in zip(
            zip(chosen, rejected), zip(reference_chosen, reference_rejected))]
    found = trl_losses(*(torch.stack(column) for column in zip(*pairs)), loss="sigmoid", beta=beta)
    return found, found.mean()


def wpo_weight(chosen, rejected):
    """`chosen`, `rejected`: lists of (log p of the token, log Σ p²), each [tokens]."""
    logs = [(p - collision).mean() for p, collision in [chosen, rejected]]
    return sum(logs).exp().clamp(max=1).detach()


def values():
    inputs = dict(
        chosen=[-41.5, -12.25, -80.0, -3.5, -60.0, -25.0], rejected=[-44.0, -10.5, -77.0, -3.5, -20.0, -310.0],
        reference_chosen=[-43.0, -12.0, -71.0, -3.5, -57.5, -31.0],
        reference_rejected=[-42.5, -11.75, -80.5, -3.5, -24.0, -40.0])
    counts = dict(chosen_tokens=[17, 5, 30, 1, 24, 12], rejected_tokens=[16, 6, 33, 2, 9, 60])
    learned = ["chosen", "rejected"]

    def one(name, settings=None, **more):
        needs = counts if name in AVERAGED else {}
        return value(name, losses, {**inputs, **needs, **more}, learned, loss=name, **{"beta": 0.1, **(settings or {})})

    found = [one("sigmoid"), one("sigmoid", dict(beta=0.5)), one("sigmoid", dict(label_smoothing=0.2)), one("hinge")]
    for beta in [0.1, 0.5]:
        found += [one("ipo", dict(beta=beta)), one("sigmoid_norm", dict(beta=beta))]
    found += [one("robust", dict(label_smoothing=0.1)), one("exo_pair", dict(label_smoothing=1e-3))]
    found += [one(name) for name in ["nca_pair", "sppo_hard", "apo_zero", "apo_down", "aot", "aot_unpaired"]]
    found += [one(name, dict(label_smoothing=0.1)) for name in ["aot", "aot_unpaired"]]
    found += [one("discopop", dict(discopop_tau=0.05)), one("discopop", dict(discopop_tau=1.0))]
    for divergence, alpha in [("forward_kl", 1.0), ("js_divergence", 1.0), ("alpha_divergence", 0.5)]:
        small = {k: [v / 8 for v in column] for k, column in inputs.items()}
        found.append(value(divergence, losses, small, learned, loss="sigmoid", beta=0.1, f_divergence=divergence,
                           f_alpha=alpha))
    found += bco(inputs, learned)
    only = dict(inputs, chosen_tokens=counts["chosen_tokens"])
    found.append(value("sft", mixed, only, learned, losses_with_weights=[["sigmoid", 1.0]], sft=0.5, beta=0.1))
    found.append(value("several", mixed, {**inputs, **counts}, learned, beta=0.1, sft=0.3,
                       losses_with_weights=[["sigmoid", 0.8], ["ipo", 0.05], ["apo_zero", 0.2]]))
    pair_weights = dict(only, weights=[1.0, 0.5, 0.125, 0.0, 0.75, 0.01])
    found.append(value("wpo", mixed, pair_weights, learned, losses_with_weights=[["sigmoid", 1.0]], sft=0.5, beta=0.1))
    torch.manual_seed(2)

    def answer(count):
        return [round(-3 * torch.rand(1).item(), 3) for _ in range(count)]

    ragged = {name: [answer(n) for n in lengths] for name, lengths in [
        ("chosen", [4, 2, 3]), ("rejected", [2, 6, 3]), ("reference_chosen", [4, 2, 3]),
        ("reference_rejected", [2, 6, 3])]}
    found += [value("ld", ld, ragged, learned, ld_alpha=alpha, beta=0.5) for alpha in [0.5, 0.0, 1.0]]
    found.append(value("ld", ld, ragged, learned, ld_alpha=0.5, beta=0.5, ld_reference=False))
    logits = (2 * torch.randn(5, 7, dtype=torch.float64)).round(decimals=3)
    for labels in [torch.tensor([1, 6, 0, 3, 2]), logits.argmax(-1)]:
        weight = wpo_weight(*(
            (picked(logits[part], labels[part]), collision(logits[part])) for part in [slice(0, 2), slice(2, 5)]))
        found.append({"name": "wpo_weight", "settings": {}, "inputs": {
            "chosen": logits[:2].tolist(), "rejected": logits[2:].tolist(), "chosen_labels": labels[:2].tolist(),
            "rejected_labels": labels[2:].tolist()}, "weight": number(weight)})
    return found


def collision(logits):
    """log Σ p² of each place."""
    return torch.logsumexp(2 * torch.log_softmax(logits, dim=-1), dim=-1).double()


def bco(inputs, learned):
    """arXiv:2404.04656 over two steps: δ is the mean over the steps so far of a step's mean reward, this one's too."""
    trainer = stand_in(
        beta=0.1, label_smoothing=0.0, reference_free=False, f_divergence_type=FDivergenceType.REVERSE_KL)
    trainer.running = RunningMoments(trainer.accelerator)
    found = []
    for step, shift in enumerate([0.0, 6.0]):
        columns = {**inputs, "chosen": [x + shift for x in inputs["chosen"]]}

        def function(**tensors):
            each = DPOTrainer.dpo_loss(trainer, *tensors.values(), "bco_pair")[0]
            return each, each.mean(), {"delta": trainer.running.mean}

        entry = value("bco_pair", function, columns, learned)
        found.append({**entry, "settings": {"loss": "bco_pair", "beta": 0.1, "step": step + 1}})
    return found


def data():
    scores = [[number(log_probabilities(model, pair[role]).sum()) for role in ["chosen", "rejected"]]
              for model in [base(torch.float32)] for pair in stored("pairs.json")]
    return {"pairs": "Training/pairs.json", "reference": scores}


def descend(dtype, kind, settings):
    pairs, model, reference = stored("pairs.json"), policy(kind, dtype), base(dtype)
    step_of = Descent([model], **{k: settings[k] for k in FULL})
    named, beta, alpha = settings["losses"], settings["beta"], settings.get("ld_alpha", 1)
    alphas = {"": alpha, "reference_": alpha if settings.get("ld_reference", True) else 1}
    others = [[log_probabilities(reference, pair[role]) for role in ["chosen", "rejected"]] for pair in pairs]
    steps = []
    for step in range(STEPS):
        columns = {name: [] for name in ["chosen", "rejected", "reference_chosen", "reference_rejected"]}
        counts, weights = {"chosen_tokens": [], "rejected_tokens": []}, []
        for row in numbers(pairs, step):
            found = [label_logits(model, pairs[row][role]) for role in ["chosen", "rejected"]]
            answers = [picked(*pair) for pair in found]
            if settings.get("wpo"):
                weights.append(wpo_weight(*((a, collision(logits)) for a, (logits, _) in zip(answers, found))))
            for prefix, both in [("", answers), ("reference_", others[row])]:
                sums = desensitised(*both, alphas[prefix])
                columns[prefix + "chosen"].append(sums[0])
                columns[prefix + "rejected"].append(sums[1])
            counts["chosen_tokens"].append(len(answers[0]))
            counts["rejected_tokens"].append(len(answers[1]))
        inputs = {k: torch.stack(v) for k, v in columns.items()}
        counts = {k: tensor(v) for k, v in counts.items()}
        loss = mixed(named, sft=settings.get("sft", 0.0), weights=torch.stack(weights) if weights else None, beta=beta,
                     **inputs, **counts)[1]
        if len(named) == 1 and named[0][0] in AVERAGED:
            inputs = {k: v / counts["rejected_tokens" if "rejected" in k else "chosen_tokens"]
                      for k, v in inputs.items()}
        measures = pairwise_measures(beta * (inputs["chosen"] - inputs["reference_chosen"]),
                                     beta * (inputs["rejected"] - inputs["reference_rejected"]))
        measures |= {"logps_chosen": inputs["chosen"].mean(), "logps_rejected": inputs["rejected"].mean()}
        if settings.get("sft"):
            nll = torch.stack(columns["chosen"]) / counts["chosen_tokens"]
            measures["nll"] = -nll.mean()
        if weights:
            measures["weight"] = torch.stack(weights).mean()
        steps.append(step_of(loss, measures))
    return steps


def runs():
    adapter = dict(ADAPTER, batch=BATCH, beta=0.3)

    def run(name, loss="sigmoid", **more):
        return name, descend, "adapter", dict(adapter, losses=[[loss, 1.0]], **more)

    return [
        ("sigmoid", descend, "full", dict(FULL, batch=BATCH, beta=0.3, losses=[["sigmoid", 1.0]])),
        run("hinge", "hinge"), run("ipo", "ipo"), run("aot", "aot"), run("ld", ld_alpha=0.5),
        run("ld_policy", ld_alpha=0.5, ld_reference=False), run("sft", sft=1.0), run("wpo", wpo=True),
        ("several", descend, "adapter",
         dict(adapter, losses=[["sigmoid", 0.8], ["apo_down", 0.2], ["nca_pair", 0.5]], sft=0.1)),
    ]
