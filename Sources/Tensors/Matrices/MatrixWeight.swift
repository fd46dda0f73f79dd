/// A weight matrix [out, in] that activations are multiplied with.
///
/// It is packed for the matrix library where the processor gains by it: a frozen one once, and in the classes that round only that
/// is kept; a trainable one, which refers to its parameter, anew whenever it may have changed (``UnchangedWeights``). Model code
/// does not see the difference.
package final class MatrixWeight {
  /// The parameter that a trainable matrix stands for, also when it is not being trained now.
  package let parameter: Parameter?
  package let outputs: Int
  package let inputs: Int
  /// The elements [out, in] as plain floats; nil when only their roundings are kept.
  package let value: Tensor?
  private let packing: Packing
  private var forward: PackedMatrix?
  private var backward: PackedMatrix?
  private var table: RowTable?
  private let bytes: ByteProducts
  /// Wᵀ for y = x Wᵀ, of a frozen matrix whose products are in bytes.
  let quantizedForward: QuantizedMatrix?
  private var quantizedTranspose: QuantizedMatrix?
  /// What a trainable matrix was packed from.
  private var weights: UnchangedWeights?

  /// How products take the matrix.
  enum Packing {
    /// As it lies, by OpenBLAS.
    case none
    case floats
    case halves

    init(_ compute: Compute) {
      // The layouts are those of oneDNN's kernels for AVX-512.
      self = compute.computeClass.takesHalves ? .halves : compute.kernels.name == .avx512 ? .floats : .none
    }
  }

  /// Which products with a frozen matrix are in bytes in the int8 class.
  package enum ByteProducts: Sendable {
    case none
    /// dx = dy W.
    case backward
    case both
  }

  /// - Parameter bytes: The head of a model takes no bytes.
  /// - Throws: ``TensorError/shape(operation:name:expected:found:)`` unless `frozen` has two dimensions.
  package init(frozen: Tensor, compute: Compute, bytes: ByteProducts = .none) throws {
    (outputs, inputs) = try MatrixWeight.extents(frozen, "frozen")
    parameter = nil
    packing = Packing(compute)
    self.bytes = compute.computeClass == .int8 ? bytes : .none
    quantizedForward = self.bytes == .both ? QuantizedMatrix(frozen, transposed: true, compute) : nil
    if case .halves = packing {
      value = nil
      if quantizedForward == nil { forward = PackedMatrix(frozen, transposed: true, halves: true, compute) }
    } else {
      value = frozen
    }
  }

  /// - Throws: ``TensorError/shape(operation:name:expected:found:)`` unless the parameter has two dimensions.
  package init(trainable: Parameter, compute: Compute) throws {
    (outputs, inputs) = try MatrixWeight.extents(trainable.value, trainable.name)
    value = trainable.value
    parameter = trainable
    packing = Packing(compute)
    bytes = .none
    quantizedForward = nil
  }

  /// Whether products take bfloat16 operands or bytes, so that activations are kept rounded.
  var takesHalves: Bool { if case .halves = packing { true } else { false } }

  /// Wᵀ for y = x Wᵀ; nil where products take it as it lies, or in bytes.
  ///
  /// Packed at the first call, which no tile makes, and shared by all threads; an orientation that nobody asks for takes
  /// no memory. A single row is bound by memory, so it takes 32-bit floats as they lie.
  ///
  /// - Parameters:
  ///   - rows: Rows of x.
  ///   - tape: The program of the tape.
  func packedForward(rows: Int, on tape: RowProgram) -> PackedMatrix? {
    if quantizedForward != nil || rows == 1 && !takesHalves { return nil }
    renew(on: tape)
    if forward == nil, let value { forward = packed(value, transposed: true, tape.compute) }
    return forward
  }

  /// W for dx = dy W, as ``packedForward(rows:on:)``.
  func packedBackward(on tape: RowProgram) -> PackedMatrix? {
    if bytes != .none { return nil }
    renew(on: tape)
    if backward == nil {
      if let value {
        backward = packed(value, transposed: false, tape.compute)
      } else if let forward {
        backward = PackedMatrix(transposing: forward, tape.compute)
      }
    }
    return backward
  }

  /// W for dx = dy W of a frozen matrix whose products are in bytes, made from what the forward pass multiplies with.
  ///
  /// Packed at the first call, which no tile makes.
  func quantizedBackward(_ compute: Compute) -> QuantizedMatrix? {
    if quantizedTranspose == nil, bytes != .none {
      let weight = quantizedForward?.turned(compute) ?? forward.map { $0.turned(compute).widened(compute) }
      quantizedTranspose = weight.map { QuantizedMatrix($0, transposed: false, compute) }
    }
    return quantizedTranspose
  }

  /// W [out, in] rounded to bfloat16 as it lies, of a frozen matrix of the class that multiplies so; otherwise nil.
  ///
  /// Made at the first call, which no tile makes.
  func roundedRows(_ compute: Compute) -> RowTable? {
    guard parameter == nil, takesHalves else { return nil }
    if table == nil { table = forward.map { RowTable($0.turned(compute), compute) } }
    return table
  }

  private func packed(_ value: Tensor, transposed: Bool, _ compute: Compute) -> PackedMatrix? {
    if case .none = packing { return nil }
    return PackedMatrix(value, transposed: transposed, halves: takesHalves, compute)
  }

  /// Forgets how a trainable matrix looked before it may have changed.
  private func renew(on tape: RowProgram) {
    guard parameter != nil, weights !== tape.weights else { return }
    weights = tape.weights
    forward = nil
    backward = nil
  }

  private static func extents(_ tensor: Tensor, _ name: String) throws -> (Int, Int) {
    guard tensor.shape.count == 2 else {
      throw TensorError.shape(
        operation: "matrix weight", name: name, expected: [tensor.rows, tensor.columns], found: tensor.shape)
    }
    return (tensor.shape[0], tensor.shape[1])
  }
}
