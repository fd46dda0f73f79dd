# Values of tensors from a formula, for models and adapters that are too large to commit: both sides compute them.
# With:  requirements.txt of this folder.
# Run:   not by itself. `patternedTensor` in Sources/TestKit is the same formula, bit for bit.
import numpy as np
import torch


def patterned(name, shape, amplitude):
    """Values in [-amplitude, amplitude) from the FNV-1a hash of the name and the finaliser of MurmurHash3."""
    seed = 0x811C9DC5
    for byte in name.encode():
        seed = ((seed ^ byte) * 0x01000193) & 0xFFFFFFFF
    x = (np.arange(np.prod(shape), dtype=np.uint64) * 0x9E3779B9 + seed).astype(np.uint32)
    x ^= x >> np.uint32(16)
    x *= np.uint32(0x85EBCA6B)
    x ^= x >> np.uint32(13)
    x *= np.uint32(0xC2B2AE35)
    x ^= x >> np.uint32(16)
    unit = (x >> np.uint32(8)).astype(np.float32) / np.float32(1 << 23) - np.float32(1)
    return torch.from_numpy((unit * np.float32(amplitude)).reshape(shape))
