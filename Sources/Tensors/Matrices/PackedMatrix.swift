import CTensorKernels

/// The right operand [k, n] of products x·M in bfloat16, in the order that oneDNN's kernels read.
///
/// It is cut into pieces of at most ``depth`` rows, so that a vocabulary can be walked chunk by chunk; products over more
/// are added up piece after piece. Blocks of 64 columns follow each other, so that any of them can be taken. Memory:
/// 2 bytes an element, with columns rounded up to 64 and rows to 32 in each piece.
final class PackedMatrix: @unchecked Sendable {
  /// Rows of a piece.
  static let depth = VocabularyBlock.chunkWidth
  /// Rows of x that one call of the library takes: 16 to 256 rows reach the same rate, measured.
  static let rows = 64

  let k: Int
  let n: Int
  private let pieces: [Tensor]

  /// Packs W [outputs, inputs], or its transpose.
  ///
  /// - Parameter transposed: Whether k are the inputs and n the outputs (y = x Wᵀ); otherwise the reverse (dx = dy W).
  init(_ weight: Tensor, transposed: Bool, _ compute: Compute) {
    let (outputs, inputs) = (weight.shape[0], weight.shape[1])
    let (k, n) = transposed ? (inputs, outputs) : (outputs, inputs)
    self.k = k
    self.n = n
    let depths = stride(from: 0, to: k, by: Self.depth).map { $0..<min(k, $0 + Self.depth) }
    let pieces = depths.map { HalfProduct.packedStorage(k: $0.count, n: n) }
    compute.pool.tiles(depths.count) { index in
      let rows = depths[index]
      let (from, taken) = transposed ? (0..<n, rows) : (rows, 0..<n)
      let plain = HalfMatrix(rows: from.count, columns: taken.count)
      plain.take(
        MatrixView(weight).from(row: from.lowerBound, column: taken.lowerBound), rows: from.count, at: 0,
        compute.kernels.functions)
      HalfProduct.pack(plain, k: rows.count, n: n, transposed: transposed, into: pieces[index])
    }
    self.pieces = pieces
  }

  /// Columns that a tile of a product with `rows` rows takes.
  ///
  /// The library is fast where rows of y follow each other without a gap: all columns, unless they are a vocabulary's.
  /// One row has no gap and is cut finer, because then the threads share the reading of the matrix.
  func tileColumns(rows: Int) -> Int { rows == 1 ? 512 : n <= 2 * Self.depth ? n : Self.depth }

  /// y[rows, columns] (+)= x[rows, depths] · M[depths, columns], in the calling thread.
  ///
  /// - Parameters:
  ///   - x: Its first column belongs to `depths.lowerBound`; `stride` elements between rows.
  ///   - depths: Rows of M that start at a piece and end with one.
  ///   - columns: Columns of M that start at a multiple of 64.
  func multiply(
    _ x: UnsafePointer<UInt16>, stride: Int, rows: Int, depths: Range<Int>, columns: Range<Int>, into y: MatrixView,
    accumulates: Bool
  ) {
    if rows == 0 || columns.isEmpty { return }
    var adds = accumulates
    for top in Swift.stride(from: depths.lowerBound, to: depths.upperBound, by: Self.depth) {
      let deep = min(Self.depth, k - top)
      // A block of 64 columns holds the rows rounded up to 32.
      let start = pieces[top / Self.depth].pointer + columns.lowerBound * ((deep + 31) / 32 * 32) / 2
      for row in Swift.stride(from: 0, to: rows, by: Self.rows) {
        let count = min(Self.rows, rows - row)
        multiplyPiece(
          x + row * stride + top - depths.lowerBound, stride: stride, rows: count, k: deep, start, n: columns.count,
          into: y.from(row: row), accumulates: adds)
      }
      adds = true
    }
  }

  /// A product of one piece; operands with gaps between their rows go through memory without.
  private func multiplyPiece(
    _ x: UnsafePointer<UInt16>, stride: Int, rows: Int, k: Int, _ m: UnsafePointer<Float>, n: Int, into y: MatrixView,
    accumulates: Bool
  ) {
    let product = HalfProduct.with(
      HalfProduct.Shape(rows: rows, k: k, n: n, whole: self.n, accumulates: accumulates))
    var source = x
    let closed = rows > 1 && stride != k ? HalfMatrix(rows: rows, columns: k) : nil
    if let closed {
      for row in 0..<rows { (closed.pointer + row * k).update(from: x + row * stride, count: k) }
      source = UnsafePointer(closed.pointer)
    }
    guard rows > 1, y.stride != n else {
      product.run(source, m, y.pointer)
      return
    }
    let target = Tensor(uninitialized: [rows, n])
    if accumulates {
      for row in 0..<rows { (target.pointer + row * n).update(from: y.pointer + row * y.stride, count: n) }
    }
    product.run(source, m, target.pointer)
    for row in 0..<rows { (y.pointer + row * y.stride).update(from: target.pointer + row * n, count: n) }
  }
}
