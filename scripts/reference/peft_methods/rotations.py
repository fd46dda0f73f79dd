# OFT, BOFT and HRA: the input of a map is rotated (or the columns of its weights, which is the same).
import torch
from common import Case
from peft import BOFTConfig, HRAConfig, OFTConfig
from peft.tuners.boft import layer as boft_layer

SMALL = [(r"oft_R|boft_R", 0, 0.15), (r"boft_s", 1, 0.3), (r"hra_u", 0, 0.5)]


def oft(base="untied", case=None, **settings):
    options = dict(task_type="CAUSAL_LM", target_modules=["q_proj", "v_proj", "down_proj"], r=0, oft_block_size=8)
    options.update(settings)
    return Case(lambda: OFTConfig(**options), base=base, values=SMALL, **(case or {}))


def boft(base="untied", case=None, **settings):
    options = dict(task_type="CAUSAL_LM", target_modules=["q_proj", "v_proj", "down_proj"], boft_block_size=4)
    options.update(settings)
    return Case(lambda: BOFTConfig(**options), base=base, values=SMALL, **(case or {}))


def hra(base="untied", case=None, **settings):
    options = dict(task_type="CAUSAL_LM", target_modules=["q_proj", "v_proj", "down_proj"], r=4)
    options.update(settings)
    return Case(lambda: HRAConfig(**options), base=base, values=SMALL, **(case or {}))


class Blocks:
    """What the extension for GPUs does, so that more than one butterfly factor can be computed."""

    @staticmethod
    def apply(blocks):
        return torch.stack([torch.block_diag(*factor.unbind()) for factor in blocks])


def butterflies(_):
    boft_layer.get_fbd_cuda = lambda: True
    boft_layer.FastBlockDiag = Blocks


def one_factor(_):
    boft_layer.get_fbd_cuda = lambda: None


CASES = {
    "oft": oft(),
    "oft-biased": oft("biased", target_modules="all-linear", oft_block_size=4),
    "oft-terms-2": oft(num_cayley_neumann_terms=2),
    "oft-terms-3": oft(num_cayley_neumann_terms=3),
    "oft-terms-4": oft(num_cayley_neumann_terms=4),
    "oft-terms-7": oft(num_cayley_neumann_terms=7),
    "oft-exact": oft(use_cayley_neumann=False),
    "oft-rank": oft(r=4, oft_block_size=0),  # four blocks a map, as large as its input asks for
    "oft-adjusted": oft(oft_block_size=20),  # divides neither 32 nor 48
    "oft-shared": oft(block_share=True),
    # Some blocks are over the bound and some are not.
    "oft-constrained": oft(coft=True, eps=1.2),
    "oft-constrained-shared": oft(coft=True, eps=0.2, block_share=True, use_cayley_neumann=False),
    "boft": boft(case=dict(prepare=one_factor)),
    "boft-biased": boft("biased", boft_block_size=0, boft_block_num=4, bias="boft_only",
                        case=dict(prepare=one_factor, reloads=False)),
    "boft-butterflies": boft(boft_n_butterfly_factor=2, case=dict(prepare=butterflies)),
    "boft-butterflies-3": boft(boft_n_butterfly_factor=3, target_modules=["q_proj"], case=dict(prepare=butterflies)),
    "hra": hra(),
    "hra-odd": hra(r=3),
    "hra-gram-schmidt": hra(apply_GS=True),
    "hra-biased": hra("biased", r=2),
}
