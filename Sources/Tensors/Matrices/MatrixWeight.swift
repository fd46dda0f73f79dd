/// A weight matrix [out, in] that activations are multiplied with.
///
/// A frozen one is packed once for the matrix library where the class of compute gains by it; a trainable one refers to
/// its parameter. Model code does not see the difference.
package final class MatrixWeight {
  /// The parameter that a trainable matrix stands for, also when it is not being trained now.
  package let parameter: Parameter?
  package let outputs: Int
  package let inputs: Int
  /// The elements [out, in] as plain floats.
  package let value: Tensor
  /// Whether products with it take bfloat16 operands.
  let takesHalves: Bool
  private var forward: PackedMatrix?
  private var backward: PackedMatrix?

  /// - Throws: ``TensorError/shape(operation:name:expected:found:)`` unless `frozen` has two dimensions.
  package init(frozen: Tensor, compute: Compute) throws {
    (outputs, inputs) = try MatrixWeight.extents(frozen, "frozen")
    value = frozen
    parameter = nil
    takesHalves = compute.computeClass == .bf16
  }

  /// - Throws: ``TensorError/shape(operation:name:expected:found:)`` unless the parameter has two dimensions.
  package init(trainable: Parameter) throws {
    (outputs, inputs) = try MatrixWeight.extents(trainable.value, trainable.name)
    value = trainable.value
    parameter = trainable
    // What training changes at every step would have to be packed at every step.
    takesHalves = false
  }

  /// Wᵀ in bfloat16, for y = x Wᵀ; nil where products take 32-bit floats.
  ///
  /// Packed at the first call, which no tile makes, and shared by all threads; an orientation that nobody asks for takes
  /// no memory.
  func packedForward(_ compute: Compute) -> PackedMatrix? {
    if takesHalves, forward == nil { forward = PackedMatrix(value, transposed: true, compute) }
    return forward
  }

  /// W in bfloat16, for dx = dy W, as ``packedForward(_:)``.
  func packedBackward(_ compute: Compute) -> PackedMatrix? {
    if takesHalves, backward == nil { backward = PackedMatrix(value, transposed: false, compute) }
    return backward
  }

  private static func extents(_ tensor: Tensor, _ name: String) throws -> (Int, Int) {
    guard tensor.shape.count == 2 else {
      throw TensorError.shape(
        operation: "matrix weight", name: name, expected: [tensor.rows, tensor.columns], found: tensor.shape)
    }
    return (tensor.shape[0], tensor.shape[1])
  }
}
