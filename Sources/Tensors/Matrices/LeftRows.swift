import CTensorKernels

/// The left operand [rows, k] of products with a ``RightMatrix``: 32-bit floats and what has been made of them.
final class LeftRows {
  /// What a product takes its left operand as.
  enum Form: Sendable, Hashable { case floats, halves, words, bytes }

  let rows: Int
  let k: Int
  let floats: MatrixView
  private let halves: UnsafeMutablePointer<UInt16>?
  private let words: WordRows?
  private let bytes: QuantizedRows?
  /// Holds what `halves` points to.
  private let rounded: HalfMatrix?

  /// Makes the forms that the given matrices take, in the calling thread.
  ///
  /// - Parameters:
  ///   - x: The rows, of which this refers to the memory.
  ///   - saved: A matrix that has the rounded rows already, and the first of them in it.
  init(
    _ x: MatrixView, rows: Int, k: Int, for matrices: some Collection<any RightMatrix>,
    saved: (matrix: HalfMatrix, first: Int)? = nil, _ kernels: UnsafePointer<tk_kernels>
  ) {
    self.rows = rows
    self.k = k
    floats = x
    func isTaken(_ form: Form) -> Bool { matrices.contains { $0.takes == form } }
    words = isTaken(.words) ? WordRows(rounding: x, rows: rows, k: k, kernels) : nil
    bytes = isTaken(.bytes) ? QuantizedRows(rounding: x, rows: rows, k: k, kernels) : nil
    if !isTaken(.halves) {
      rounded = nil
      halves = nil
    } else if let saved {
      rounded = saved.matrix
      halves = saved.matrix.pointer + saved.first * k
    } else {
      let made = HalfMatrix(rounding: x, rows: rows, columns: k, kernels)
      rounded = made
      halves = made.pointer
    }
  }

  /// bfloat16, k a row.
  var asHalves: UnsafeMutablePointer<UInt16> {
    guard let halves else { preconditionFailure("Rows were not made for products that take bfloat16") }
    return halves
  }

  var asWords: WordRows {
    guard let words else { preconditionFailure("Rows were not made for products that take words") }
    return words
  }

  var asBytes: QuantizedRows {
    guard let bytes else { preconditionFailure("Rows were not made for products that take bytes") }
    return bytes
  }
}
