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
  private let isShared: Bool
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
    /// In words, a frozen matrix alone; trainable ones are in panels.
    case words

    init(_ compute: Compute, frozen: Bool) {
      switch (compute.computeClass, compute.kernels.name) {
      case (.bf16, _), (.int8, _): self = .halves
      case (.int16, _) where frozen: self = .words
      case (_, .avx512): self = .floats
      case (_, .avx2): self = .panels
      case (_, .neon), (_, .scalar): self = .none
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

  /// - Parameters:
  ///   - bytes: The head of a model takes no bytes.
  ///   - isShared: Whether somebody else holds the elements anyway, so that they may be used.
  /// - Throws: ``TensorError/shape(operation:name:expected:found:)`` unless `frozen` has two dimensions.
  package init(frozen: Tensor, compute: Compute, bytes: ByteProducts = .none, isShared: Bool = false) throws {
    (outputs, inputs) = try MatrixWeight.extents(frozen, "frozen")
    parameter = nil
    packing = Packing(compute, frozen: true)
    self.compute = compute
    self.isShared = isShared
    self.bytes = compute.computeClass == .int8 ? bytes : .none
    if rounds {
      forward = MatrixWeight.packed(frozen, transposed: true, packing, bytes: self.bytes, compute)
    }
    if !rounds || isShared { plain = frozen }
  }

  /// - Throws: ``TensorError/shape(operation:name:expected:found:)`` unless the parameter has two dimensions.
  package init(trainable: Parameter, compute: Compute) throws {
    (outputs, inputs) = try MatrixWeight.extents(trainable.value, trainable.name)
    plain = trainable.value
    parameter = trainable
    packing = Packing(compute, frozen: false)
    self.compute = compute
    bytes = .none
    isShared = true
  }

  /// The elements [out, in] as 32-bit floats; nil when only their roundings are kept.
  package var value: Tensor? { plain ?? (rounds ? nil : forward?.turned(compute)) }

  /// Whether only roundings are kept of a frozen matrix.
  private var rounds: Bool { packing == .halves || packing == .words }

  /// Whether products take bfloat16 operands or bytes, so that activations are kept rounded.
  var takesHalves: Bool { packing == .halves }

  /// Wᵀ for y = x Wᵀ.
  ///
  /// Packed at the first call, which no tile makes, and shared by all threads; an orientation that nobody asks for takes
  /// no memory. A single row is bound by memory, so it takes 32-bit floats as they lie.
  ///
  /// - Parameters:
  ///   - rows: Rows of x.
  ///   - tape: The program of the tape.
  func forward(rows: Int, on tape: RowProgram) -> any RightMatrix {
    if rows == 1, let plain, !rounds { return PlainMatrix(plain, transposed: true, compute) }
    renew(on: tape)
    if let forward { return forward }
    let made = MatrixWeight.packed(elements, transposed: true, packing, bytes: bytes, compute)
    forward = made
    return made
  }

  /// W for dx = dy W, as ``forward(rows:on:)``.
  ///
  /// Once a frozen matrix is packed for both, its plain elements go away: they can be had from either.
  func backward(on tape: RowProgram) -> any RightMatrix {
    renew(on: tape)
    if let backward { return backward }
    let made = MatrixWeight.packed(elements, transposed: false, packing, bytes: bytes, compute)
    backward = made
    if parameter == nil, forward != nil, packing != .none, !isShared { plain = nil }
    return made
  }

  /// W [out, in] row by row, of a frozen matrix in a class that rounds; otherwise nil.
  ///
  /// Made at the first call, which no tile makes.
  func rowTable() -> RowTable? {
    guard parameter == nil, rounds else { return nil }
    if let table { return table }
    let made =
      if let packed = forward as? PackedMatrix {
        RowTable(.halves(packed.turnedHalves(compute)), compute)
      } else {
        RowTable(.floats(elements), compute)
      }
    table = made
    return made
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
    _ weight: Tensor, transposed: Bool, _ packing: Packing, bytes: ByteProducts, _ compute: Compute
  ) -> any RightMatrix {
    if bytes == .both || bytes == .backward && !transposed {
      return QuantizedMatrix(weight, transposed: transposed, compute)
    }
    switch packing {
    case .none: return PlainMatrix(weight, transposed: transposed, compute)
    case .panels: return PanelMatrix(weight, transposed: transposed, compute)
    case .floats: return PackedMatrix(weight, transposed: transposed, halves: false, compute)
    case .halves: return PackedMatrix(weight, transposed: transposed, halves: true, compute)
    case .words: return WordMatrix(weight, transposed: transposed, compute)
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
