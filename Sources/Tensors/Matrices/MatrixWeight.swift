/// A weight matrix [out, in] that activations are multiplied with.
///
/// It is packed for the matrix library where the processor gains by it: a frozen one once, and in the classes that round only that
/// is kept; a trainable one, which refers to its parameter, anew whenever it may have changed (``WeightEpoch``). Model code
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
  private var forward: (any PackedWeight)?
  private var backward: (any PackedWeight)?
  private var table: RowTable?
  private let int8: Int8Products
  /// What a trainable matrix was packed from.
  private var weights: WeightEpoch?

  /// How products take the matrix.
  enum Packing {
    /// As it lies, by OpenBLAS.
    case none
    /// In panels of our own, in 32-bit floats.
    case panels
    /// In the layout of oneDNN's kernels for AVX-512.
    case f32
    case bf16
    /// In words, a frozen matrix alone; trainable ones are in panels.
    case int16

    init(_ compute: Compute, frozen: Bool) {
      switch (compute.computeClass, compute.kernels.name) {
      case (.bf16, _), (.int8, _): self = .bf16
      case (.int16, _) where frozen: self = .int16
      case (_, .avx512): self = .f32
      case (_, .avx2): self = .panels
      case (_, .neon), (_, .scalar): self = .none
      }
    }
  }

  /// Which products with a frozen matrix are in bytes in the int8 class.
  package enum Int8Products: Sendable {
    case none
    /// dx = dy W.
    case backward
    case both
  }

  /// - Parameters:
  ///   - int8: The head of a model takes no bytes.
  ///   - isShared: Whether somebody else holds the elements anyway, so that they may be used.
  /// - Throws: ``TensorError/shape(operation:name:expected:found:)`` unless `frozen` has two dimensions.
  package init(frozen: Tensor, compute: Compute, int8: Int8Products = .none, isShared: Bool = false) throws {
    (outputs, inputs) = try MatrixWeight.extents(frozen, "frozen")
    parameter = nil
    packing = Packing(compute, frozen: true)
    self.compute = compute
    self.isShared = isShared
    self.int8 = compute.computeClass == .int8 ? int8 : .none
    if rounds {
      forward = MatrixWeight.packed(frozen, transposed: true, packing, int8: self.int8, compute)
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
    int8 = .none
    isShared = true
  }

  /// The elements [out, in] as 32-bit floats; nil when only their roundings are kept.
  package var value: Tensor? { plain ?? (rounds ? nil : forward?.transposed(compute)) }

  /// Whether only roundings are kept of a frozen matrix.
  private var rounds: Bool { packing == .bf16 || packing == .int16 }

  /// Whether products take bfloat16 operands or bytes, so that activations are kept rounded.
  var takesBF16: Bool { packing == .bf16 }

  /// Wᵀ for y = x Wᵀ.
  ///
  /// Packed at the first call, which no tile makes, and shared by all threads; an orientation that nobody asks for takes
  /// no memory. A single row is bound by memory, so it takes 32-bit floats as they lie.
  ///
  /// - Parameters:
  ///   - rows: Rows of x.
  ///   - tape: The program of the tape.
  func forward(rows: Int, on tape: RowProgram) -> any PackedWeight {
    if rows == 1, let plain, !rounds { return PlainMatrix(plain, transposed: true, compute) }
    renew(on: tape)
    if let forward { return forward }
    let made = MatrixWeight.packed(elements, transposed: true, packing, int8: int8, compute)
    forward = made
    return made
  }

  /// W for dx = dy W, as ``forward(rows:on:)``.
  ///
  /// Once a frozen matrix is packed for both, its plain elements go away: they can be had from either.
  func backward(on tape: RowProgram) -> any PackedWeight {
    renew(on: tape)
    if let backward { return backward }
    let made = MatrixWeight.packed(elements, transposed: false, packing, int8: int8, compute)
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
        RowTable(.bf16(packed.transposedBF16(compute)), compute)
      } else {
        RowTable(.f32(elements), compute)
      }
    table = made
    return made
  }

  /// The elements that products take, [out, in].
  private var elements: Tensor {
    guard let elements = plain ?? forward?.transposed(compute) else {
      preconditionFailure("A matrix keeps its elements or a packed form of them")
    }
    return elements
  }

  /// W [out, in], or its transpose, in the form that the class and the processor multiply fast.
  static func packed(
    _ weight: Tensor, transposed: Bool, _ packing: Packing, int8: Int8Products, _ compute: Compute
  ) -> any PackedWeight {
    if int8 == .both || int8 == .backward && !transposed {
      return Int8Matrix(weight, transposed: transposed, compute)
    }
    switch packing {
    case .none: return PlainMatrix(weight, transposed: transposed, compute)
    case .panels: return PanelMatrix(weight, transposed: transposed, compute)
    case .f32: return PackedMatrix(weight, transposed: transposed, bf16: false, compute)
    case .bf16: return PackedMatrix(weight, transposed: transposed, bf16: true, compute)
    case .int16: return Int16Matrix(weight, transposed: transposed, compute)
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
