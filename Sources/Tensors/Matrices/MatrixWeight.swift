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
  private var plain: Tensor?
  private let packing: Packing
  private let compute: Compute
  private var forward: (any RightMatrix)?
  private var backward: (any RightMatrix)?
  private var table: RowTable?
  private let bytes: ByteProducts
  /// What a trainable matrix was packed from.
  private var weights: UnchangedWeights?

  /// How products take the matrix.
  enum Packing {
    /// As it lies, by OpenBLAS.
    case none
    /// In panels of our own, in 32-bit floats.
    case panels
    /// In the layout of oneDNN's kernels for AVX-512.
    case floats
    case halves

    init(_ compute: Compute) {
      if compute.computeClass.takesHalves {
        self = .halves
      } else {
        switch compute.kernels.name {
        case .avx512: self = .floats
        case .avx2: self = .panels
        case .neon, .scalar: self = .none
        }
      }
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
    self.compute = compute
    self.bytes = compute.computeClass == .int8 ? bytes : .none
    if case .halves = packing {
      forward = MatrixWeight.packed(frozen, transposed: true, bytes: self.bytes, compute)
    } else {
      plain = frozen
    }
  }

  /// - Throws: ``TensorError/shape(operation:name:expected:found:)`` unless the parameter has two dimensions.
  package init(trainable: Parameter, compute: Compute) throws {
    (outputs, inputs) = try MatrixWeight.extents(trainable.value, trainable.name)
    plain = trainable.value
    parameter = trainable
    packing = Packing(compute)
    self.compute = compute
    bytes = .none
  }

  /// The elements [out, in] as 32-bit floats; nil when only their roundings are kept.
  package var value: Tensor? { plain ?? (takesHalves ? nil : forward?.turned(compute)) }

  /// Whether products take bfloat16 operands or bytes, so that activations are kept rounded.
  var takesHalves: Bool { if case .halves = packing { true } else { false } }

  /// Wᵀ for y = x Wᵀ.
  ///
  /// Packed at the first call, which no tile makes, and shared by all threads; an orientation that nobody asks for takes
  /// no memory. A single row is bound by memory, so it takes 32-bit floats as they lie.
  ///
  /// - Parameters:
  ///   - rows: Rows of x.
  ///   - tape: The program of the tape.
  func forward(rows: Int, on tape: RowProgram) -> any RightMatrix {
    if rows == 1, let plain, !takesHalves { return PlainMatrix(plain, transposed: true, compute) }
    renew(on: tape)
    if let forward { return forward }
    let made = MatrixWeight.packed(elements, transposed: true, bytes: bytes, compute)
    forward = made
    return made
  }

  /// W for dx = dy W, as ``forward(rows:on:)``.
  ///
  /// Once a frozen matrix is packed for both, its plain elements go away: they can be had from either.
  func backward(on tape: RowProgram) -> any RightMatrix {
    renew(on: tape)
    if let backward { return backward }
    let made = MatrixWeight.packed(elements, transposed: false, bytes: bytes, compute)
    backward = made
    if parameter == nil, forward != nil, packing != .none { plain = nil }
    return made
  }

  /// W [out, in] rounded to bfloat16 as it lies, of a frozen matrix of the class that multiplies so; otherwise nil.
  ///
  /// Made at the first call, which no tile makes.
  func roundedRows() -> RowTable? {
    guard parameter == nil, takesHalves else { return nil }
    if table == nil, let packed = forward as? PackedMatrix { table = RowTable(packed.turnedHalves(compute), compute) }
    return table
  }

  /// The elements that products take, [out, in].
  private var elements: Tensor {
    guard let elements = plain ?? forward?.turned(compute) else {
      preconditionFailure("A matrix keeps its elements or a packed form of them")
    }
    return elements
  }

  /// W [out, in], or its transpose, in the form that the class and the processor multiply fast.
  static func packed(
    _ weight: Tensor, transposed: Bool, bytes: ByteProducts, _ compute: Compute
  ) -> any RightMatrix {
    if bytes == .both || bytes == .backward && !transposed {
      return QuantizedMatrix(weight, transposed: transposed, compute)
    }
    switch Packing(compute) {
    case .none: return PlainMatrix(weight, transposed: transposed, compute)
    case .panels: return PanelMatrix(weight, transposed: transposed, compute)
    case .floats: return PackedMatrix(weight, transposed: transposed, halves: false, compute)
    case .halves: return PackedMatrix(weight, transposed: transposed, halves: true, compute)
    }
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
