/// The right operand [k, n] of products x·M, in some order and type that makes them fast.
///
/// A product works in the calling thread: callers cut the columns into tiles.
protocol PackedWeight: AnyObject, Sendable {
  var k: Int { get }
  var n: Int { get }
  /// What x is taken as.
  var takes: LeftOperand.Form { get }

  /// The columns of the matrix as rows, in 32-bit floats: [n, k].
  func transposed(_ compute: Compute) -> Tensor

  /// The columns of the matrix as rows, in the type that it has; nil where 32-bit floats do.
  func rowTable(_ compute: Compute) -> RowTable?

  /// Columns that a tile of a product with `rows` rows takes; tiles start at multiples of it.
  func tileColumns(rows: Int) -> Int

  /// y[rows, columns] (+)= x[rows, depths] · M[depths, columns].
  ///
  /// - Parameters:
  ///   - x: Its first column belongs to `depths.lowerBound`.
  ///   - depths: All rows of M, or for the matrix of a vocabulary one of its chunks.
  func multiply(_ x: LeftOperand, depths: Range<Int>, columns: Range<Int>, into y: MatrixView, accumulates: Bool)
}

extension PackedWeight {
  func rowTable(_ compute: Compute) -> RowTable? { nil }

  /// y[rows, columns] (+)= x · M[k, columns].
  func multiply(_ x: LeftOperand, columns: Range<Int>, into y: MatrixView, accumulates: Bool) {
    multiply(x, depths: 0..<k, columns: columns, into: y, accumulates: accumulates)
  }
}
