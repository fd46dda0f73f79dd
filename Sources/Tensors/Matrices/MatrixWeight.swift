/// A weight matrix [out, in] that activations are multiplied with.
///
/// A frozen one may be prepared once for the matrix library; a trainable one refers to its parameter. Model code does
/// not see the difference.
package final class MatrixWeight {
  /// The parameter that a trainable matrix stands for, also when it is not being trained now.
  package let parameter: Parameter?
  package let outputs: Int
  package let inputs: Int
  /// The elements [out, in] as plain floats.
  package let value: Tensor

  /// - Throws: ``TensorError/shape(operation:name:expected:found:)`` unless `frozen` has two dimensions.
  package init(frozen: Tensor, compute: Compute) throws {
    (outputs, inputs) = try MatrixWeight.extents(frozen, "frozen")
    value = frozen
    parameter = nil
  }

  /// - Throws: ``TensorError/shape(operation:name:expected:found:)`` unless the parameter has two dimensions.
  package init(trainable: Parameter) throws {
    (outputs, inputs) = try MatrixWeight.extents(trainable.value, trainable.name)
    value = trainable.value
    parameter = trainable
  }

  private static func extents(_ tensor: Tensor, _ name: String) throws -> (Int, Int) {
    guard tensor.shape.count == 2 else {
      throw TensorError.shape(
        operation: "matrix weight", name: name, expected: [tensor.rows, tensor.columns], found: tensor.shape)
    }
    return (tensor.shape[0], tensor.shape[1])
  }
}
