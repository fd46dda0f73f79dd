import LanguageModels
import Tensors

/// Weights of any model and of the adapter of `scripts/reference/smollm2_training.py`, without a file: norms are ones,
/// the rest is ``patternedTensor(_:shape:amplitude:)``.
package struct PatternedWeights: WeightSource {
  private let prefix: String

  /// - Parameter prefix: Before the tensors' names; another one gives other numbers.
  package init(prefix: String = "") { self.prefix = prefix }

  package var origin: String { "a formula" }
  package func has(_ name: String) -> Bool { true }

  package func tensor(named name: String, shape: [Int]) -> Tensor {
    if name.contains("norm") { return Tensor(shape: shape, values: [Float](repeating: 1, count: shape.reduce(1, *))) }
    return patternedTensor(prefix + name, shape: shape, amplitude: name.contains("lora_A") ? 0.05 : 0.02)
  }
}

/// Values in ±amplitude that `patterned` in `scripts/reference/patterned.py` computes as well, bit for bit: the
/// FNV-1a hash of the name, counted up in steps of the golden ratio, through the finaliser of MurmurHash3.
package func patternedTensor(_ name: String, shape: [Int], amplitude: Float) -> Tensor {
  let seed = name.utf8.reduce(0x811C_9DC5 as UInt32) { ($0 ^ UInt32($1)) &* 0x0100_0193 }
  let tensor = Tensor(uninitialized: shape)
  for index in 0..<tensor.count {
    var x = UInt32(truncatingIfNeeded: index) &* 0x9E37_79B9 &+ seed
    x ^= x >> 16
    x &*= 0x85EB_CA6B
    x ^= x >> 13
    x &*= 0xC2B2_AE35
    x ^= x >> 16
    tensor.pointer[index] = (Float(x >> 8) / 0x1p23 - 1) * amplitude
  }
  return tensor
}
