import Tensors

/// Where a model's tensors come from: a folder of safetensors, a GGUF file, a checkpoint, a test.
///
/// Names and row order are Hugging Face's whatever the file; see ``TensorRole`` and ``HeadPermutation``.
package protocol WeightSource {
  /// What messages call the source, a path as a rule.
  var origin: String { get }
  func has(_ name: String) -> Bool
  /// The tensor's values as f32.
  ///
  /// - Throws: what the file's reader throws, also when its shape is not `shape`.
  func tensor(named name: String, shape: [Int]) throws -> Tensor
}

/// What can be wrong with the tensors of a model; worded below.
package enum WeightError: Error, Sendable, Hashable {
  case missing([String], origin: String)
  case shape(name: String, wanted: [Int], found: [Int], origin: String)
  case unknown(name: String)
  /// Only the roundings of a frozen matrix are kept.
  case rounded(name: String)
}
