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
  /// A matrix as its bytes lie in the file, which stays mapped: [rows, columns], rows in Hugging Face's order.
  ///
  /// - Parameters:
  ///   - shape: Hugging Face's; dimensions but the last are rows one after the other.
  ///   - transposed: Whether rows and columns of that shape are exchanged in what is wanted.
  /// - Returns: Nil where the numbers do not lie so, or in no form that products read.
  /// - Throws: As ``tensor(named:shape:)``.
  func stored(named name: String, shape: [Int], transposed: Bool) throws -> (any StoredWeight)?
  /// Whether it gives the maps of each expert by themselves, where Hugging Face's files hold those of all in a common tensor.
  ///
  /// - Parameter name: A part's, such as `model.layers.0.mlp.experts.gate_up_proj[3].gate`.
  func hasPart(_ name: String) -> Bool
}

extension WeightSource {
  package func hasPart(_ name: String) -> Bool { false }

  package func stored(named name: String, shape: [Int], transposed: Bool) throws -> (any StoredWeight)? { nil }
}

/// What can be wrong with the tensors of a model; worded below.
package enum WeightError: Error, Sendable, Hashable {
  case missing([String], origin: String)
  case shape(name: String, wanted: [Int], found: [Int], origin: String)
  case unknown(name: String)
  /// Only the roundings of a frozen matrix are kept.
  case rounded(name: String)
}
