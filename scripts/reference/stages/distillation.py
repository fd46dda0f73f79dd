# Distillation: a student learns the distribution of a teacher at the label tokens of Training/rows.json.
#
# With q the teacher's and p the student's probabilities, both of logits ÷ temperature; the sum over the label tokens of
# a step ÷ their count:
#   forward   KL(q ‖ p)
#   reverse   KL(p ‖ q)
#   jsd       β KL(q ‖ m) + (1 − β) KL(p ‖ m), m = βq + (1 − β)p (arXiv:2306.13649, from TRL's GKDTrainer); TRL takes
#             β = 0 for forward and β = 1 for reverse, which are not the limits of the formula
#   top_k     of the teacher are known the k largest probabilities. `tail: bucket` takes all other tokens for one:
#             Σ q log(q/p) over the k + (1 − Σq) log((1 − Σq)/(1 − Σp)); `tail: none` divides the k of q by their sum:
#             Σ q′ log(q′/p)
# and `share` · that + (1 − share) · −log p(label), the latter without a temperature. There is no factor temperature².
import torch
from common import (
    ADAPTER, BATCH, FULL, STEPS, Descent, label_logits, numbers, picked, policy, stored, teacher, value)
from trl_functions import GKDTrainer

TOP = 8


def top_k(logits, count, temperature=1.0):
    """(ids, log q) of the most likely tokens, the largest first."""
    logs = torch.log_softmax(logits / temperature, dim=-1)
    found = logs.topk(count)
    return found.indices, found.values.double()


def divergence(student, known, loss="forward", temperature=1.0, beta=0.5, tail="bucket"):
    """The loss of each token. `known`: the teacher's logits [tokens, vocabulary], or (ids, log q) [tokens, k]."""
    p = torch.log_softmax(student / temperature, dim=-1).double()
    if loss == "top_k":
        ids, q = known
        p = p.gather(1, ids)
        if tail == "none":
            q = q - torch.logsumexp(q, dim=-1, keepdim=True)
            return (q.exp() * (q - p)).sum(-1)
        rest_q, rest_p = (-torch.expm1(torch.logsumexp(x, dim=-1)) for x in [q, p])
        return (q.exp() * (q - p)).sum(-1) + rest_q * (rest_q.log() - rest_p.log())
    if loss == "jsd":
        each = GKDTrainer.generalized_jsd_loss(student, known, beta=beta, temperature=temperature, reduction="none")
        return each.sum(-1).double()
    q = torch.log_softmax(known / temperature, dim=-1).double()
    first, second = (q, p) if loss == "forward" else (p, q)
    return (first.exp() * (first - second)).sum(-1)


def closed(student, teacher=None, ids=None, log_probabilities=None, **settings):
    known = teacher if ids is None else (ids.long(), log_probabilities)
    return divergence(student, known, **settings)


def values():
    torch.manual_seed(4)
    student, other = ((2 * torch.randn(3, 12, dtype=torch.float64)).round(decimals=3) for _ in range(2))
    inputs = {"student": student.tolist(), "teacher": other.tolist()}
    found = []
    for temperature in [1.0, 2.5]:
        for loss in ["forward", "reverse"]:
            found.append(value(loss, closed, inputs, ["student"], loss=loss, temperature=temperature))
        for beta in [0.5, 0.1, 0.9]:
            found.append(value("jsd", closed, inputs, ["student"], loss="jsd", beta=beta, temperature=temperature))
    for beta, name in [(0.0, "forward"), (1.0, "reverse")]:
        expected = GKDTrainer.generalized_jsd_loss(student, other, beta=beta, reduction="none").sum(-1)
        assert torch.allclose(divergence(student, other, name), expected, atol=1e-12)
    for temperature in [1.0, 2.0]:
        ids, logs = top_k(other, 4, temperature)
        known = {"student": student.tolist(), "ids": ids.tolist(), "log_probabilities": logs.tolist()}
        for tail in ["bucket", "none"]:
            found.append(value("top_k", closed, known, ["student"], loss="top_k", tail=tail, temperature=temperature))
    return found


def known_by_teacher():
    """The k most likely tokens of each label of each row."""
    model, found = teacher(torch.float32), []
    for row in stored("rows.json"):
        ids, logs = top_k(label_logits(model, row)[0], TOP)
        logs = [[round(x, 6) for x in line] for line in logs.tolist()]
        found.append({"ids": ids.tolist(), "log_probabilities": logs})
    return found


def data():
    return {"rows": "Training/rows.json",
            "teacher": {"prefix": "teacher.", "amplitude": 0.25, "mean_of_norms": 1, "k": TOP},
            "top_k": known_by_teacher()}


def descend(dtype, kind, settings):
    settings = dict(settings)
    rows, model, other = stored("rows.json"), policy(kind, dtype), teacher(dtype)
    step_of = Descent([model], **{k: settings.pop(k) for k in FULL})
    known = known_by_teacher() if settings["loss"] == "top_k" else None
    share = settings.pop("share")
    del settings["batch"]
    steps = []
    for step in range(STEPS):
        kd, nll = [], []
        for row in numbers(rows, step):
            logits, labels = label_logits(model, rows[row])
            if known is None:
                given = label_logits(other, rows[row])[0]
            else:
                given = (torch.tensor(known[row]["ids"]),
                         torch.tensor(known[row]["log_probabilities"], dtype=torch.float64))
            kd.append(divergence(logits, given, **settings))
            nll.append(-picked(logits, labels))
        kd, nll = torch.cat(kd).mean(), torch.cat(nll).mean()
        steps.append(step_of(share * kd + (1 - share) * nll, {"divergence": kd, "nll": nll}))
    return steps


def runs():
    def run(name, base=ADAPTER, model="adapter", share=1.0, **more):
        return name, descend, model, {**base, "batch": BATCH, "share": share, **more}

    return [
        run("top_k", loss="top_k", tail="bucket"), run("top_k", FULL, "full", loss="top_k", tail="bucket"),
        run("top_k_without_tail", loss="top_k", tail="none"), run("forward", loss="forward", temperature=2.0),
        run("forward", FULL, "full", loss="forward"), run("reverse", loss="reverse"), run("jsd", loss="jsd", beta=0.5),
        run("share", loss="top_k", tail="bucket", share=0.5),
    ]
