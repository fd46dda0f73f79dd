# Makes: Tests/Fixtures/TensorFiles/{types.gguf,types.safetensors,expected.safetensors}: a GGUF file with a tensor of
#        every type and a metadata value of every kind, a safetensors file of five types, and the f32 values of all.
#        With an argument it checks files that Anneal wrote instead: each is read by safetensors or gguf and its tensors
#        are listed.
# With:  requirements.txt of this folder (torch 2.13.0+cpu, safetensors, gguf 0.19.0).
# Run:   python scripts/reference/tensor_files.py [FILE ...]
import sys
from pathlib import Path

import gguf
import numpy as np
import torch
from gguf import GGMLQuantizationType as Type
from safetensors import safe_open
from safetensors.torch import save_file

OUT = Path(__file__).resolve().parents[2] / "Tests/Fixtures/TensorFiles"
ROUNDED = [Type.F32, Type.F16, Type.BF16, Type.Q8_0, Type.Q4_0, Type.Q4_1, Type.Q5_0, Type.Q5_1]


def scale(source):
    return np.array([source.uniform(-0.05, 0.05)], dtype=np.float16).tobytes()


def k_block(kind, source):
    """A random block of a K-quant: any bits are valid but the scales, which must be numbers of a sane size."""
    bits = lambda count: source.integers(0, 256, count, dtype=np.uint8).tobytes()
    if kind == Type.Q4_K:
        return scale(source) + scale(source) + bits(12 + 128)
    if kind == Type.Q5_K:
        return scale(source) + scale(source) + bits(12 + 32 + 128)
    return bits(128 + 64 + 16) + scale(source)


def write_gguf(path, source):
    expected = {}
    writer = gguf.GGUFWriter(path, "test")
    writer.add_uint8("test.u8", 200)
    writer.add_int8("test.i8", -100)
    writer.add_uint16("test.u16", 60_000)
    writer.add_int16("test.i16", -30_000)
    writer.add_uint32("test.u32", 4_000_000_000)
    writer.add_int32("test.i32", -2_000_000_000)
    writer.add_uint64("test.u64", 18_000_000_000_000_000_000)
    writer.add_int64("test.i64", -9_000_000_000_000_000_000)
    writer.add_float32("test.f32", 0.1)
    writer.add_float64("test.f64", 0.1)
    writer.add_bool("test.bool", True)
    writer.add_string("test.string", "größe 大小 👩‍🔧")
    writer.add_array("test.strings", ["a", "", "e\u0301", "\u00e9"])
    writer.add_array("test.ints", [1, -2, 3])
    for kind in ROUNDED:
        values = source.normal(0, 1, (3, 64)).astype(np.float32)
        values[0, :4] = [0, -0.0, 1e-6, 100]
        raw = gguf.quantize(values, kind)
        writer.add_tensor(kind.name, raw, raw_dtype=kind)
        expected[f"gguf.{kind.name}"] = gguf.dequantize(raw, kind)
    for kind in [Type.Q4_K, Type.Q5_K, Type.Q6_K]:
        raw = np.frombuffer(b"".join(k_block(kind, source) for _ in range(4)), dtype=np.uint8).reshape(2, -1)
        writer.add_tensor(kind.name, raw, raw_dtype=kind)
        expected[f"gguf.{kind.name}"] = gguf.dequantize(raw, kind)
    # The smallest scales, which are no normal numbers, the largest, and usual ones; all sixteen codes.
    codes = np.random.default_rng(21).integers(0, 256, (6, 16), dtype=np.uint8)
    raw = np.concatenate([np.array([[0], [1], [2], [118], [127], [240]], dtype=np.uint8), codes], 1).reshape(3, -1)
    writer.add_tensor("MXFP4", raw, raw_dtype=Type.MXFP4)
    expected["gguf.MXFP4"] = gguf.dequantize(raw, Type.MXFP4)
    vector = source.normal(0, 1, 5).astype(np.float32)
    writer.add_tensor("vector", vector)
    expected["gguf.vector"] = vector
    writer.write_header_to_file()
    writer.write_kv_data_to_file()
    writer.write_tensors_to_file()
    writer.close()
    return expected


def write_safetensors(path, source):
    values = source.normal(0, 1, (3, 7))
    values[0, :3] = [0, 65504, 1e-8]
    tensors = {
        name: torch.from_numpy(values).to(kind) for name, kind in {
            "f64": torch.float64, "f32": torch.float32, "f16": torch.float16, "bf16": torch.bfloat16}.items()}
    tensors["scalar"] = torch.tensor(2.5)
    tensors["empty"] = torch.zeros(0, 4)
    expected = {f"safetensors.{name}": t.float().clone() for name, t in tensors.items()}
    tensors["i64"] = torch.arange(6).reshape(2, 3)
    save_file(tensors, path, metadata={"format": "pt", "note": "größe"})
    return expected


def list_tensors(path):
    if path.endswith(".gguf"):
        for tensor in gguf.GGUFReader(path).tensors:
            print(path, tensor.name, tensor.tensor_type.name, list(reversed(tensor.shape.tolist())))
        return
    with safe_open(path, framework="pt") as file:
        print(path, "metadata", file.metadata())
        for name in file.keys():
            tensor = file.get_tensor(name)
            print(path, name, tensor.dtype, list(tensor.shape), float(tensor.double().sum()))


def main():
    if sys.argv[1:]:
        for path in sys.argv[1:]:
            list_tensors(path)
        return
    OUT.mkdir(parents=True, exist_ok=True)
    source = np.random.default_rng(20)
    expected = {k: torch.from_numpy(np.array(v)) for k, v in write_gguf(OUT / "types.gguf", source).items()}
    expected |= write_safetensors(OUT / "types.safetensors", source)
    # Bit-equal comparison: rounding from f32 to the narrow types is checked with these, ties and subnormals among them.
    bits = source.integers(0, 2**32, 400, dtype=np.uint32)
    bits[:6] = [0x3F808000, 0x3F818000, 0x33000000, 0x33000001, 0x387FE000, 0x00000001]
    values = torch.from_numpy(bits.view(np.float32).copy())
    expected["round.source"] = values[torch.isfinite(values)]
    expected["round.bf16"] = expected["round.source"].bfloat16()
    expected["round.f16"] = expected["round.source"].half()
    save_file(expected, OUT / "expected.safetensors")


if __name__ == "__main__":
    main()
