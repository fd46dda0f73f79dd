import COneDNN

extension ComputeClass {
  /// The class by the name that stands in keys: with what else decides the bits on this machine, where that is not what the
  /// class was made for.
  ///
  /// `f32` alone means the AVX-512 kernels, `int16` those of AVX2, `bf16` and `int8` AVX512-BF16. Other kernels (by the
  /// processor, or by `ANNEAL_CPU`), AMX, and a oneDNN that is told to use less stand behind a plus: `f32+avx2`, `bf16+amx`.
  /// Where there are no vector kernels for matrix products OpenBLAS computes them, so its processor is named too:
  /// `f32+scalar+Haswell`.
  package func name(on kernels: KernelSet) -> String {
    var parts = [rawValue]
    switch (self, kernels.name) {
    case (.int16, .avx2): break
    case (_, .avx512):
      switch (takesBF16, packed_level()) {
      case (false, 1...), (true, 2): break
      case (true, 3...): parts.append("amx")
      case (_, let level): parts.append("onednn\(level)")
      }
    case (_, .avx2): parts.append(kernels.name.rawValue)
    case (_, .scalar), (_, .neon): parts += [kernels.name.rawValue, MatrixLibrary.shared.core]
    }
    return parts.joined(separator: "+")
  }

  /// Reads what ``name(on:)`` gave, on whatever machine.
  package init?(name: String) {
    guard let first = name.split(separator: "+").first else { return nil }
    self.init(rawValue: String(first))
  }
}
