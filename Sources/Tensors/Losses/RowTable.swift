import CTensorKernels

/// The head [V, C] of a vocabulary row by row, for products with some of its rows, in the class's type.
final class RowTable {
  /// The elements, in one of two types or as they are stored.
  enum Rows {
    case f32(Tensor)
    case bf16(BF16Matrix)
    case stored(any StoredWeight)
  }

  let rows: Rows
  let columns: Int
  /// [C].
  let mean: Tensor
  private let kernels: UnsafePointer<tk_kernels>
  private let kind: TileProducts.Kind

  init(_ rows: Rows, _ compute: Compute) {
    let count: Int
    switch rows {
    case .f32(let tensor): (count, columns) = (tensor.rows, tensor.columns)
    case .bf16(let matrix): (count, columns) = (matrix.rows, matrix.columns)
    case .stored(let weight): (count, columns) = (weight.rows, weight.columns)
    }
    self.rows = rows
    kind = TileProducts.Kind(compute)
    kernels = compute.kernels.functions
    mean = Tensor(shape: [columns])
    onElements { addMean(of: count) }
  }

  private func addMean(of count: Int) {
    // Sums of sums, so that small numbers are not lost in a large one.
    let piece = 256
    let space = Tensor(uninitialized: [columns])
    for first in stride(from: 0, to: count, by: piece) {
      let some = Tensor(shape: [columns])
      for row in first..<min(count, first + piece) {
        kernels.pointee.add(some.pointer, some.pointer, self.row(row, space), columns)
      }
      kernels.pointee.axpy(mean.pointer, 1 / Float(count), some.pointer, columns)
    }
  }

  private func row(_ index: Int, _ space: Tensor) -> UnsafePointer<Float> {
    switch rows {
    case .f32(let tensor): return UnsafePointer(tensor.pointer + index * columns)
    case .bf16(let matrix):
      kernels.pointee.from_bf16(space.pointer, matrix.pointer + index * columns, columns)
      return UnsafePointer(space.pointer)
    case .stored(let weight):
      weight.expand(row: index, 0..<columns, into: space.pointer, kernels)
      return UnsafePointer(space.pointer)
    }
  }

  /// Space for products of `rows` rows with `depth` rows of the table.
  func scratch(rows count: Int, depth: Int) -> Tensor {
    switch rows {
    case .f32: Tensor(uninitialized: [depth * Int(TK_PANEL_COLUMNS)])
    case .bf16: Tensor(uninitialized: [tk_tile_scratch(count, columns, depth)])
    case .stored: Tensor(uninitialized: [depth * columns])
    }
  }

  /// y[rows, C] (+)= x[rows, k] · the table's rows `first + chosen`.
  func multiply(
    _ x: MatrixView, rows count: Int, _ chosen: UnsafeBufferPointer<UInt32>, from first: Int, into y: MatrixView,
    accumulates: Bool, scratch: Tensor
  ) {
    let adds: Int32 = accumulates ? 1 : 0
    switch rows {
    case .f32(let tensor):
      kernels.pointee.float_rows_product(
        y.pointer, y.stride, x.pointer, x.stride, tensor.pointer + first * columns, columns, chosen.baseAddress, count,
        columns, chosen.count, adds, scratch.pointer)
    case .bf16(let matrix):
      kernels.pointee.bf16_rows_product(
        y.pointer, y.stride, x.pointer, x.stride, matrix.pointer + first * columns, columns, chosen.baseAddress, count,
        columns, chosen.count, adds, scratch.pointer)
    case .stored(let weight):
      for (index, row) in chosen.enumerated() {
        weight.expand(row: first + Int(row), 0..<columns, into: scratch.pointer + index * columns, kernels)
      }
      TileProducts(kernels, kind, for: (m: count, n: columns, k: chosen.count))(
        x, MatrixView(scratch.pointer, stride: columns), into: y, m: count, n: columns, k: chosen.count,
        accumulates: accumulates)
    }
  }
}
