import CTensorKernels

/// The head [V, C] of a vocabulary in bfloat16, row by row, for products with some of its rows.
final class RowTable {
  let rows: HalfMatrix
  /// [C].
  let mean: Tensor

  init(_ rows: HalfMatrix, _ compute: Compute) {
    self.rows = rows
    mean = Tensor(shape: [rows.columns])
    let kernels = compute.kernels.functions
    // Sums of sums, so that small numbers are not lost in a large one.
    let piece = 256
    let space = Tensor(uninitialized: [rows.columns])
    for first in stride(from: 0, to: rows.rows, by: piece) {
      let some = Tensor(shape: [rows.columns])
      for row in first..<min(rows.rows, first + piece) {
        kernels.pointee.from_bf16(space.pointer, rows.pointer + row * rows.columns, rows.columns)
        kernels.pointee.add(some.pointer, some.pointer, space.pointer, rows.columns)
      }
      kernels.pointee.axpy(mean.pointer, 1 / Float(rows.rows), some.pointer, rows.columns)
    }
  }
}
