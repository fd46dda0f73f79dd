import CTensorKernels

/// The right operand [k, n] of products x·M for a weight that stays as it is stored: a tile of it is expanded to 32-bit
/// floats, multiplied, and forgotten.
///
/// Tiles are fixed, and so is the order of the sums. A tile of 64 rows of x expands the whole weight once; with more rows,
/// as those of a vocabulary have, less is expanded. Memory: the weight's own, and a part of a megabyte for a thread that
/// multiplies.
final class StoredMatrix: PackedWeight {
  let k: Int
  let n: Int
  private let weight: any StoredWeight
  private let isTransposed: Bool
  private let kernels: KernelSet
  private let kind: TileProducts.Kind

  var takes: LeftOperand.Form { .f32 }

  /// Rows and columns of the weight that are expanded at a time: they stay in the second cache, and the columns are whole
  /// blocks of every format.
  private static let tile = (rows: 128, columns: 256)

  /// - Parameter transposed: Whether k are the weight's columns and n its rows (y = x Wᵀ); otherwise the reverse (dx = dy W).
  init(_ weight: any StoredWeight, transposed: Bool, _ compute: Compute) {
    (k, n) = transposed ? (weight.columns, weight.rows) : (weight.rows, weight.columns)
    self.weight = weight
    isTransposed = transposed
    kernels = compute.kernels
    kind = TileProducts.Kind(compute)
  }

  func transposed(_ compute: Compute) -> Tensor {
    let numbers = weight.numbers(compute)
    return isTransposed ? numbers : numbers.transposed()
  }

  func rowTable(_ compute: Compute) -> RowTable? { isTransposed ? RowTable(.stored(weight), compute) : nil }

  func tileColumns(rows: Int) -> Int { 2 * Self.tile.columns }

  func multiply(_ x: LeftOperand, depths: Range<Int>, columns: Range<Int>, into y: MatrixView, accumulates: Bool) {
    if x.rows == 0 || columns.isEmpty { return }
    if x.rows == 1, isTransposed {
      return multiplyRow(x.floats.pointer, depths, columns, into: y.pointer, accumulates: accumulates)
    }
    let (wide, deep) =
      isTransposed ? (Self.tile.rows, Self.tile.columns) : (Self.tile.columns, Self.tile.rows)
    let kernels = kernels.functions
    let numbers = Tensor(uninitialized: [Self.tile.rows * Self.tile.columns])
    let products = TileProducts(kernels, kind, for: (m: x.rows, n: wide, k: deep))
    for left in stride(from: columns.lowerBound, to: columns.upperBound, by: wide) {
      let across = left..<min(columns.upperBound, left + wide)
      var adds = accumulates
      for top in stride(from: depths.lowerBound, to: depths.upperBound, by: deep) {
        let down = top..<min(depths.upperBound, top + deep)
        let (rows, taken) = isTransposed ? (across, down) : (down, across)
        for row in rows {
          weight.expand(
            row: row, taken, into: numbers.pointer + (row - rows.lowerBound) * taken.count, kernels)
        }
        products(
          x.floats.from(row: 0, column: top - depths.lowerBound), MatrixView(numbers.pointer, stride: taken.count),
          transposesB: isTransposed, into: y.from(row: 0, column: left - columns.lowerBound), m: x.rows,
          n: across.count, k: down.count, accumulates: adds)
        adds = true
      }
    }
  }

  /// One row of x with some rows of the weight, each of which is read once.
  private func multiplyRow(
    _ x: UnsafeMutablePointer<Float>, _ depths: Range<Int>, _ rows: Range<Int>, into y: UnsafeMutablePointer<Float>,
    accumulates: Bool
  ) {
    let kernels = kernels.functions
    let numbers = Tensor(uninitialized: [depths.count])
    for row in rows {
      weight.expand(row: row, depths, into: numbers.pointer, kernels)
      let sum = kernels.pointee.dot(numbers.pointer, x, depths.count)
      y[row - rows.lowerBound] = accumulates ? y[row - rows.lowerBound] + sum : sum
    }
  }
}
