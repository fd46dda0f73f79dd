# Makes: Tests/Fixtures/Quantization/nf4.json: matrices in NF4 (4-bit NormalFloat) as bitsandbytes' CPU library makes
#        them: codes, largest values of blocks, those quantised once more, and the numbers read back.
# With:  requirements.txt of this folder (torch 2.13.0+cpu) and bitsandbytes 0.50.2.
# Run:   python scripts/reference/nf4.py
#
# Values come from patterned.py and are scaled so that blocks differ. The first matrix holds cases that a test should
# hold against: a block of zeros, a block with one value, the code values themselves, and the middles between two codes.
import json
from pathlib import Path

import bitsandbytes.functional as bnb
import torch
from patterned import patterned

OUT = Path(__file__).resolve().parents[2] / "Tests/Fixtures/Quantization/nf4.json"


def special():
    code = bnb.get_4bit_type("nf4", device="cpu")
    middles = (code[:-1] + code[1:]) / 2
    rows = torch.zeros(8, 64)
    rows[1, 5] = -3.25  # its largest value is negative: code 0
    rows[2, :16] = code
    rows[3, :16], rows[3, 16:31] = code, middles  # on a border
    rows[4, :15] = torch.nextafter(middles, torch.tensor(2.0))
    rows[4, 63] = 1
    rows[5, :15] = torch.nextafter(middles, torch.tensor(-2.0))
    rows[5, 63] = 1
    rows[6] = 0.1 * code[torch.arange(64) % 16]
    rows[7] = patterned("special", (64,), 1e-3)
    return rows


def scaled(name, shape):
    """Rows of different size, of values that are near zero more often than not."""
    values = patterned(name, shape, 1.0)
    return values * values.abs() * torch.linspace(0.01, 2, shape[0]).view(-1, 1)


MATRICES = {
    "special": special, "square": lambda: scaled("square", (48, 64)),
    "narrow": lambda: scaled("narrow", (40, 24)),  # a block goes over the end of a row
    "short": lambda: scaled("short", (9, 22)),  # the last block is not full
    "many": lambda: scaled("many", (320, 64)),  # more than one block of 256 largest values
}


def numbers(tensor):
    return [float(f"{x:.9g}") for x in tensor.flatten().tolist()]


def quantised(name):
    values = MATRICES[name]()
    packed, state = bnb.quantize_4bit(values, blocksize=64, quant_type="nf4", compress_statistics=False)
    nested, nested_state = bnb.quantize_4bit(values, blocksize=64, quant_type="nf4", compress_statistics=True)
    assert torch.equal(packed, nested)
    restored = bnb.dequantize_4bit(packed, state)
    again = bnb.dequantize_4bit(nested, nested_state)
    assert restored.shape == again.shape == values.shape
    second = nested_state.state2
    short = name == "many"  # its codes are given, the rest can be recomputed
    made = {
        "name": name, "shape": list(values.shape), "packed": bytes(packed.flatten().tolist()).hex(),
        "largest": numbers(state.absmax),
        "double": {
            "offset": float(f"{nested_state.offset.item():.9g}"), "codes": nested_state.absmax.tolist(),
            "largest": numbers(second.absmax), "block": second.blocksize},
        "restored_norm": float(f"{restored.double().norm().item():.9g}"),
        "restored_norm_double": float(f"{again.double().norm().item():.9g}")}
    if not short:
        made["restored"], made["restored_double"] = numbers(restored), numbers(again)
    if name == "special":
        made["values"] = numbers(values)
    else:
        made["first_values"] = numbers(values)[:8]
    return made


def main():
    _, nested_state = bnb.quantize_4bit(
        MATRICES["square"](), blocksize=64, quant_type="nf4", compress_statistics=True)
    OUT.parent.mkdir(parents=True, exist_ok=True)
    OUT.write_text(json.dumps({
        "block": 64, "code": numbers(bnb.get_4bit_type("nf4", device="cpu")),
        "double_code": numbers(nested_state.state2.code),
        "matrices": [quantised(name) for name in MATRICES]}, separators=(",", ":")) + "\n")


if __name__ == "__main__":
    main()
