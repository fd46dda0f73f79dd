# What fixtures of families with experts have beside the common: a watch that tokens choose their experts clearly, and
# the auxiliary loss of the routers. See experts.py.
import torch
from common import Unclear, digits, gradient_norms, logits_of
from transformers.models.mixtral.modeling_mixtral import load_balancing_loss_func

MARGIN = 1e-4  # between the last chosen expert (or group) and the first that is not: float noise must not matter
SEQUENCE = 3  # whose auxiliary loss is given


def gap(scores, k):
    """(tokens): how far the k-th largest score is from the next."""
    best = scores.topk(k + 1, dim=-1).values
    return best[:, k - 1] - best[:, k]


def of_logits(logits, config, bias):
    """The largest logits, or what grows with them alone."""
    return [gap(logits, config.num_experts_per_tok)], None


def of_groups(scores, best, config):
    """(gaps, mask): only the best groups of neighbouring experts stay, by the sum of their `best` largest scores."""
    grouped = scores.view(len(scores), config.n_group, -1)
    groups = grouped.topk(best, dim=-1).values.sum(-1)
    gaps = [gap(groups, config.topk_group)] if config.topk_group < config.n_group else []
    kept = torch.zeros_like(groups).scatter(1, groups.topk(config.topk_group, dim=-1).indices, 1)
    return gaps, kept.bool().repeat_interleave(grouped.shape[-1], dim=1)


def of_probability_groups(logits, config, bias):
    """deepseek_v2's group_limited_greedy."""
    p = logits.softmax(-1)
    gaps, kept = of_groups(p, 1, config)
    return [*gaps, gap(p.masked_fill(~kept, 0), config.num_experts_per_tok)], not_the_best(p, kept, config)


def of_corrected_groups(logits, config, bias):
    """deepseek_v3's: a bias takes part in the choice."""
    p = logits.sigmoid()
    gaps, kept = of_groups(p + bias, 2, config)
    chosen = (p + bias).masked_fill(~kept, -torch.inf)
    k = config.num_experts_per_tok
    return [*gaps, gap(chosen, k)], (chosen.topk(k).indices.sort().values != p.topk(k).indices.sort().values).any(-1)


def of_corrected(logits, config, bias):
    """ernie4_5_moe's. The auxiliary loss counts the uncorrected choice."""
    p, k = logits.softmax(-1), config.moe_k
    chosen = (p + bias.view(-1)).topk(k).indices.sort().values
    return [gap(p + bias.view(-1), k), gap(p, k)], (chosen != p.topk(k).indices.sort().values).any(-1)


def not_the_best(p, kept, config):
    """For which tokens the groups leave out an expert that would have been chosen."""
    return ~kept.gather(1, p.topk(config.num_experts_per_tok).indices).all(-1)


def of_sparse_mixer(logits, config, bias):
    """phimoe's: two choices, each with a bound under which logits are masked."""
    gaps, rest = [gap(logits, 2)], logits
    masked = torch.zeros(len(logits), dtype=torch.bool)  # of which a logit beside the largest is left
    for _ in range(2):
        gaps.append(gap(rest, 1))
        best, index = rest.max(-1, keepdim=True)
        ratio = (best - logits) / logits.abs().clamp(min=best)
        gaps.append((ratio - 2 * config.router_jitter_noise).abs().min(-1).values)
        masked |= ((ratio <= 2 * config.router_jitter_noise) & rest.isfinite()).sum(-1) > 1
        rest = rest.scatter(-1, index, -torch.inf)
    return gaps, masked


def watched(choice, special=False):
    """A preparation of a model that looks at the input of each router, whatever is computed with it. `special`: what
    the family's choice has beside others (a bias, groups) must matter for some tokens."""
    def prepare(model):
        model.choices = {}
        for name, block in model.named_modules():
            router = getattr(block, "router", None) or getattr(block, "gate", None)
            if router is not None:
                router = getattr(router, "layer", None) or getattr(router, "wg", None) or router
                block.register_forward_pre_hook(look(model, name, router))

    def look(model, name, router):
        def hook(block, inputs):
            with torch.no_grad():
                x = inputs[0].reshape(-1, inputs[0].shape[-1])
                logits = torch.nn.functional.linear(x, router.weight, getattr(router, "bias", None))
                places = (router, getattr(router, "moe_statics", None), block)
                found = [getattr(place, "e_score_correction_bias", None) for place in places]
                bias = next((each for each in found if each is not None), None)
                gaps, specials = choice(logits, model.config, bias)
                least = min(g.min().item() for g in gaps)
                if least <= MARGIN:
                    raise Unclear(f"{name}: an expert is chosen by {least}")
                if specials is not None:
                    model.choices.setdefault(name, []).append(specials)
        return hook
    prepare.special = special
    return prepare


def router_logits(model, ids):
    """(logits of the model, router logits of each layer with experts as load_balancing_loss_func takes them, the
    auxiliary loss if the model computes it)."""
    found = []
    hooks = [m.register_forward_hook(lambda _, __, out: found.append(out.float()))
             for n, m in model.named_modules() if n.endswith("block_sparse_moe.router.layer")]
    if hooks:  # granitemoe: transformers 5.6.2 has the loss and does not record what it is of
        logits = logits_of(model, ids)
        for hook in hooks:
            hook.remove()
        return logits, tuple(found), None
    out = model(input_ids=torch.tensor([ids]), use_cache=False, output_router_logits=True)
    return out.logits[0].float(), out.router_logits, out.aux_loss


def measured(load, config, sequences, options):
    """The fixture's entries beside the common ones."""
    model = load()
    ids, trained = sequences[SEQUENCE]["ids"], sequences[SEQUENCE]["trained"]
    for s in sequences:
        logits_of(model, s["ids"])
    for prepare in options["prepare"]:
        if getattr(prepare, "special", False):
            assert model.choices
            for name, specials in model.choices.items():
                share = torch.cat(specials).float().mean().item()
                assert 0.05 < share < 0.95, f"{name}: {share} of the tokens choose otherwise"
    if "auxiliary" not in options:
        return {}
    settings = model.config
    coefficient = settings.router_aux_loss_coef
    logits, routers, same = router_logits(model, ids)
    experts = routers[0].shape[-1]
    auxiliary = load_balancing_loss_func(
        routers, experts, settings.num_experts_per_tok, torch.ones(1, len(ids), dtype=torch.long))
    assert same is None or torch.isclose(same, auxiliary, rtol=1e-6)
    p = torch.log_softmax(logits.double(), dim=-1)
    wanted = [t for t in range(1, len(ids)) if trained[t]]
    loss = -sum(p[t - 1, ids[t]] for t in wanted) / len(wanted)
    (loss + coefficient * auxiliary.double()).backward()
    norms = gradient_norms(model, options)
    return {
        "auxiliary": {
            "sequence": SEQUENCE, "coefficient": coefficient, "loss": digits(auxiliary.item()),
            "total": digits((loss + coefficient * auxiliary.double()).item(), 12)},
        "auxiliary_gradient_norms": {n: norms[n] for n in norms if options["auxiliary"] + "." in n}}
