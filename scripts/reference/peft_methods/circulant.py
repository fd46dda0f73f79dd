# C3A: blocks of a map's weight are circulant matrices.
#
# PEFT 0.18.1's own gradient for what such a map reads belongs to the blocks mirrored (peft/tuners/c3a/utils.py takes the transform of the
# row where its conjugate is wanted). Here PyTorch differentiates PEFT's forward computation instead.
from common import Case
from peft import C3AConfig
from peft.tuners.c3a import layer
from torch import einsum
from torch.fft import fft, ifft


class Convolution:
    """PEFT's BlockCircularConvolution.forward, differentiated by PyTorch."""

    @staticmethod
    def apply(x, kernel):
        parts = x.reshape(*x.shape[:-1], kernel.shape[1], kernel.shape[2])
        return fft(einsum("...nb,mnb->...mb", ifft(parts), fft(kernel))).real.flatten(start_dim=-2)


layer.BlockCircularConvolution = Convolution

VALUES = [(r"c3a_kernel", 0, 2.0)]


def c3a(base="untied", case=None, **settings):
    options = dict(task_type="CAUSAL_LM", target_modules=["q_proj", "v_proj", "down_proj"], block_size=8,
                   init_weights=True)
    options.update(settings)
    return Case(lambda: C3AConfig(**options), base=base, values=VALUES, **(case or {}))


CASES = {
    "c3a": c3a(),
    "c3a-biased": c3a("biased", block_size=4, target_modules="all-linear"),
    "c3a-patterns": c3a(block_size_pattern={"q_proj": 4}),
}
