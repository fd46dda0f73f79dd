import CTensorKernels

/// The left operand [rows, k] of products with a ``PackedWeight``: 32-bit floats and what has been made of them.
final class LeftOperand {
  /// What a product takes its left operand as.
  enum Form: Sendable, Hashable { case f32, bf16, int16, int8 }

  let rows: Int
  let k: Int
  let floats: MatrixView
  private let bf16: UnsafeMutablePointer<UInt16>?
  private let int16: Int16Rows?
  private let int8: Int8Rows?
  /// Holds what `bf16` points to.
  private let rounded: BF16Matrix?

  /// Makes the forms that the given matrices take, in the calling thread.
  ///
  /// - Parameters:
  ///   - x: The rows, of which this refers to the memory.
  ///   - saved: A matrix that has the rounded rows already, and the first of them in it.
  init(
    _ x: MatrixView, rows: Int, k: Int, for matrices: some Collection<any PackedWeight>,
    saved: (matrix: BF16Matrix, first: Int)? = nil, _ kernels: UnsafePointer<tk_kernels>
  ) {
    self.rows = rows
    self.k = k
    floats = x
    func isTaken(_ form: Form) -> Bool { matrices.contains { $0.takes == form } }
    int16 = isTaken(.int16) ? Int16Rows(rounding: x, rows: rows, k: k, kernels) : nil
    int8 = isTaken(.int8) ? Int8Rows(rounding: x, rows: rows, k: k, kernels) : nil
    if !isTaken(.bf16) {
      rounded = nil
      bf16 = nil
    } else if let saved {
      rounded = saved.matrix
      bf16 = saved.matrix.pointer + saved.first * k
    } else {
      let made = BF16Matrix(rounding: x, rows: rows, columns: k, kernels)
      rounded = made
      bf16 = made.pointer
    }
  }

  /// bfloat16, k a row.
  var asBF16: UnsafeMutablePointer<UInt16> {
    guard let bf16 else { preconditionFailure("Rows were not made for products that take bfloat16") }
    return bf16
  }

  var asInt16: Int16Rows {
    guard let int16 else { preconditionFailure("Rows were not made for products that take int16") }
    return int16
  }

  var asInt8: Int8Rows {
    guard let int8 else { preconditionFailure("Rows were not made for products that take int8") }
    return int8
  }
}
