import CTensorKernels

/// The right operand [k, n] of products x·M, of bfloat16 or 32-bit floats, in the order that oneDNN's kernels read.
///
/// It is cut into pieces of at most ``depth`` rows, so that a vocabulary can be walked chunk by chunk; products over more
/// are added up piece after piece. Blocks of 64 columns follow each other, so that any of them can be taken. Memory:
/// 2 or 4 bytes an element, with columns rounded up to 64 and rows to 16 or 32 in each piece.
final class PackedMatrix: PackedWeight {
  /// Rows of a piece.
  static let depth = VocabularyBlock.chunkWidth

  let k: Int
  let n: Int
  /// Whether it and what it is multiplied with are bfloat16.
  let bf16: Bool
  private let pieces: [PackedBlock]

  var takes: LeftOperand.Form { bf16 ? .bf16 : .f32 }

  private var elementBytes: Int { bf16 ? 2 : 4 }

  /// Packs W [outputs, inputs], or its transpose.
  ///
  /// - Parameters:
  ///   - transposed: Whether k are the inputs and n the outputs (y = x Wᵀ); otherwise the reverse (dx = dy W).
  ///   - bf16: Whether to round to bfloat16.
  init(_ weight: Tensor, transposed: Bool, bf16: Bool, _ compute: Compute) {
    let (outputs, inputs) = (weight.shape[0], weight.shape[1])
    self.bf16 = bf16
    k = transposed ? inputs : outputs
    n = transposed ? outputs : inputs
    let depths = Swift.stride(from: 0, to: k, by: Self.depth).map { [k] in $0..<min(k, $0 + Self.depth) }
    let pieces = depths.map { [n] in PackedBlock(bf16: bf16, k: $0.count, n: n) }
    self.pieces = pieces
    compute.pool.tiles(pieces.count) { [n] index in
      let (piece, rows) = (pieces[index], depths[index])
      let (from, taken) = transposed ? (0..<n, rows) : (rows, 0..<n)
      let source = MatrixView(weight).from(row: from.lowerBound, column: taken.lowerBound)
      if bf16 {
        let plain = BF16Matrix(rows: from.count, columns: taken.count)
        plain.take(source, rows: from.count, at: 0, compute.kernels.functions)
        return piece.pack(plain.pointer, transposed: transposed)
      }
      if taken.count == inputs { return piece.pack(source.pointer, transposed: transposed) }
      let plain = Tensor(uninitialized: [from.count, taken.count])
      for row in 0..<from.count {
        (plain.pointer + row * taken.count).update(from: source.pointer + row * source.stride, count: taken.count)
      }
      piece.pack(plain.pointer, transposed: transposed)
    }
  }

  /// The columns of a matrix of bfloat16 as rows: [n, k].
  func transposedBF16(_ compute: Compute) -> BF16Matrix {
    precondition(bf16, "Matrices of 32-bit floats are turned to floats")
    let plain = BF16Matrix(rows: n, columns: k)
    compute.pool.tiles(pieces.count) { index in
      pieces[index].unpack(into: plain.pointer + index * Self.depth, down: 1, across: k)
    }
    return plain
  }

  func rowTable(_ compute: Compute) -> RowTable? {
    bf16 ? RowTable(.bf16(transposedBF16(compute)), compute) : nil
  }

  func transposed(_ compute: Compute) -> Tensor {
    if bf16 { return transposedBF16(compute).widened(compute) }
    let plain = Tensor(uninitialized: [n, k])
    compute.pool.tiles(pieces.count) { index in
      pieces[index].unpack(into: plain.pointer + index * Self.depth, down: 1, across: k)
    }
    return plain
  }

  /// All of them, unless they are a vocabulary's: the library is fast where rows of y follow each other without a gap.
  ///
  /// One row has no gap and is cut finer, because then the threads share the reading of the matrix.
  func tileColumns(rows: Int) -> Int { rows == 1 ? 512 : n <= 2 * Self.depth ? n : Self.depth }

  /// - Parameters:
  ///   - depths: Rows of M that start at a piece and end with one.
  ///   - columns: Columns of M that start at a multiple of 64.
  func multiply(_ x: LeftOperand, depths: Range<Int>, columns: Range<Int>, into y: MatrixView, accumulates: Bool) {
    let rows = x.rows
    if rows == 0 || columns.isEmpty { return }
    let (first, stride) =
      bf16 ? (UnsafeRawPointer(x.asBF16), x.k) : (UnsafeRawPointer(x.floats.pointer), x.floats.stride)
    precondition(columns.lowerBound % 64 == 0, "Columns start in the middle of a block")
    var adds = accumulates
    for top in Swift.stride(from: depths.lowerBound, to: depths.upperBound, by: Self.depth) {
      let block = pieces[top / Self.depth]
      let start = block.columns(from: columns.lowerBound)
      for row in Swift.stride(from: 0, to: rows, by: RowProgram.tileRows) {
        let count = min(RowProgram.tileRows, rows - row)
        multiplyPiece(
          first + (row * stride + top - depths.lowerBound) * elementBytes, stride: stride, rows: count, k: block.k,
          start,
          n: columns.count, into: y.from(row: row), accumulates: adds)
      }
      adds = true
    }
  }

  /// A product of one piece; operands with gaps between their rows go through memory without.
  private func multiplyPiece(
    _ x: UnsafeRawPointer, stride: Int, rows: Int, k: Int, _ m: UnsafePointer<Float>, n: Int, into y: MatrixView,
    accumulates: Bool
  ) {
    let product = PackedProduct.with(
      PackedProduct.Shape(bf16: bf16, rows: rows, k: k, n: n, whole: self.n, accumulates: accumulates))
    var source = x
    let closed = rows > 1 && stride != k ? Tensor(uninitialized: [(rows * k * elementBytes + 3) / 4]) : nil
    if let closed {
      let target = UnsafeMutableRawPointer(closed.pointer)
      for row in 0..<rows {
        (target + row * k * elementBytes).copyMemory(from: x + row * stride * elementBytes, byteCount: k * elementBytes)
      }
      source = UnsafeRawPointer(target)
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

extension OperandFormat {
  /// The order of oneDNN's kernels, in 32-bit floats and in bfloat16.
  static let libraryF32 = OperandFormat(isExact: true) { PackedMatrix($0, transposed: $1, bf16: false, $2) }
  static let libraryBF16 = OperandFormat(isExact: false) { PackedMatrix($0, transposed: $1, bf16: true, $2) }
}
