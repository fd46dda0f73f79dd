# Variants of MiniMax-M2: see common.py.
from experts import ATTENTION, HEADS, ROPE, options
from routing import gap
from transformers import MiniMaxM2Config


def of_corrected_scores(logits, config, bias):
    """Each expert's own score, to which a number is added for the choice alone."""
    p, k = logits.sigmoid(), config.num_experts_per_tok
    return [gap(p + bias, k)], (
        (p + bias).topk(k).indices.sort().values != p.topk(k).indices.sort().values).any(-1)


VARIANTS = {
    "minimax_m2": (
        MiniMaxM2Config, dict(
            HEADS, intermediate_size=28, num_local_experts=6, num_experts_per_tok=2, router_aux_loss_coef=0.05,
            rope_parameters=dict(ROPE, partial_rotary_factor=0.5)),
        options(
            of_corrected_scores, ATTENTION, "block_sparse_moe.gate", special=True, auxiliary=True,
            # What the publisher's files say besides.
            taken={
                "rotary_dim": 6, "use_qk_norm": True, "qk_norm_type": "per_layer", "scoring_func": "sigmoid",
                "use_routing_bias": True, "shared_intermediate_size": 0, "shared_moe_mode": "sigmoid",
                "attn_type_list": [1, 1], "mlp_intermediate_size": 8192, "use_mtp": True, "num_mtp_modules": 3,
                "mtp_transformer_layers": 1, "layernorm_full_attention_beta": 1.0, "layernorm_mlp_beta": 1.0,
                "layernorm_linear_attention_beta": 1.0},
            refused=[
                ("rotary_dim", 8, "`rotary_dim` and `partial_rotary_factor` turn other parts of a head"),
                ("use_qk_norm", False, "`use_qk_norm` is `false`, which is not supported"),
                ("qk_norm_type", "per_head", "`qk_norm_type` is `\"per_head\"`, which is not supported"),
                ("scoring_func", "softmax", "`scoring_func` is `\"softmax\"`, which is not supported"),
                ("use_routing_bias", False, "`use_routing_bias` is `false`, which is not supported"),
                ("shared_intermediate_size", 20, "`shared_intermediate_size` is `20`, which is not supported"),
                ("attn_type_list", [1, 0], "`attn_type_list` is `0`, which is not supported"),
                ("layernorm_mlp_beta", 2.0, "`layernorm_mlp_beta` is `2.0`, which is not supported"),
                ("router_jitter_noise", 0.1, "`router_jitter_noise` is `0.1`, which is not supported"),
                ("num_experts_per_tok", 7, "`num_experts_per_tok` is 7, not a number from 1 to 6")])),
}
