/// A weight matrix [out, in] that activations are multiplied with.
///
/// A frozen one may stay as it is stored (``StoredWeight``). Otherwise it is packed where the processor gains by it
/// (``ProductFormats``): a frozen one once, and in the classes that round only that is kept; a trainable one, which refers
/// to its parameter, anew whenever it may have changed (``WeightEpoch``). Model code does not see the difference.
package final class MatrixWeight {
  /// The parameter that a trainable matrix stands for, also when it is not being trained now.
  package let parameter: Parameter?
  package let outputs: Int
  package let inputs: Int
  private var plain: Tensor?
  private let isShared: Bool
  private let formats: ProductFormats
  private let compute: Compute
  private var forward: (any PackedWeight)?
  private var backward: (any PackedWeight)?
  private var table: RowTable?
  /// What a frozen matrix is that is never packed.
  package let stored: (any StoredWeight)?
  private var squares: [Double]?
  /// What a trainable matrix was packed from.
  private var weights: WeightEpoch?

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
    formats = ProductFormats(compute, frozen: true, int8: int8)
    self.compute = compute
    self.isShared = isShared
    stored = nil
    if rounds { forward = formats.forward.pack(frozen, true, compute) }
    if !rounds || isShared { plain = frozen }
  }

  /// - Throws: ``TensorError/shape(operation:name:expected:found:)`` unless the parameter has two dimensions.
  package init(trainable: Parameter, compute: Compute) throws {
    (outputs, inputs) = try MatrixWeight.extents(trainable.value, trainable.name)
    plain = trainable.value
    parameter = trainable
    formats = ProductFormats(compute, frozen: false)
    self.compute = compute
    isShared = true
    stored = nil
  }

  /// A frozen matrix that stays as it is stored.
  package init(stored: any StoredWeight, compute: Compute) {
    (outputs, inputs) = (stored.rows, stored.columns)
    parameter = nil
    formats = ProductFormats(compute, frozen: true)
    self.compute = compute
    isShared = false
    self.stored = stored
    forward = StoredMatrix(stored, transposed: true, compute)
    backward = StoredMatrix(stored, transposed: false, compute)
  }

  /// The elements [out, in] as 32-bit floats; nil when only their roundings are kept.
  package var value: Tensor? { stored?.numbers(compute) ?? plain ?? (rounds ? nil : forward?.transposed(compute)) }

  /// ‖row‖² of each row of what products take; made at the first call for a frozen matrix, which no tile makes.
  package func squaredRowLengths() -> [Double] {
    if parameter == nil, let squares { return squares }
    let elements = stored?.numbers(compute) ?? elements
    var made = [Double](repeating: 0, count: outputs)
    made.withUnsafeMutableBufferPointer { made in
      guard let made = made.baseAddress else { return }
      compute.pool.tiles(outputs) { row in
        var sum = 0.0
        for column in 0..<inputs {
          let value = Double(elements.pointer[row * inputs + column])
          sum += value * value
        }
        made[row] = sum
      }
    }
    squares = made
    return made
  }

  /// Whether only roundings are kept of a frozen matrix.
  private var rounds: Bool { !formats.forward.isExact }

  /// Whether products take bfloat16 operands or bytes, so that activations are kept rounded.
  var takesBF16: Bool { compute.computeClass.takesBF16 }

  /// Wᵀ for y = x Wᵀ.
  ///
  /// Packed at the first call, which no tile makes, and shared by all threads; an orientation that nobody asks for takes
  /// no memory. A single row is bound by memory, so it takes 32-bit floats as they lie, unless that would make its sums hang on
  /// what was packed before (``Compute/packsSingleRows``).
  ///
  /// - Parameters:
  ///   - rows: Rows of x.
  ///   - tape: The program of the tape.
  func forward(rows: Int, on tape: RowProgram) -> any PackedWeight {
    if rows == 1, let plain, !rounds, parameter != nil || !compute.packsSingleRows {
      return PlainMatrix(plain, transposed: true, compute)
    }
    renew(on: tape)
    if let forward { return forward }
    let made = formats.forward.pack(elements, true, compute)
    forward = made
    return made
  }

  /// W for dx = dy W, as ``forward(rows:on:)``.
  ///
  /// Once a frozen matrix is packed for both, its plain elements go away: they can be had from either.
  func backward(on tape: RowProgram) -> any PackedWeight {
    renew(on: tape)
    if let backward { return backward }
    let made = formats.backward.pack(elements, false, compute)
    backward = made
    if parameter == nil, forward != nil, !formats.forward.refers, !isShared { plain = nil }
    return made
  }

  /// W [out, in] row by row, of a frozen matrix in a class that rounds; otherwise nil.
  ///
  /// Made at the first call, which no tile makes.
  func rowTable() -> RowTable? {
    guard parameter == nil, compute.computeClass.rounds else { return nil }
    if let table { return table }
    let made = forward?.rowTable(compute) ?? RowTable(.f32(elements), compute)
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
