import CTensorKernels

/// Activations as bfloat16 [rows, columns], row-major: the left operand of a product with a ``PackedMatrix``.
final class BF16Matrix {
  let rows: Int
  let columns: Int
  let pointer: UnsafeMutablePointer<UInt16>
  private let storage: Tensor

  /// Elements that are not set.
  init(rows: Int, columns: Int) {
    self.rows = rows
    self.columns = columns
    storage = Tensor(uninitialized: [rows, (columns + 1) / 2])
    pointer = UnsafeMutableRawPointer(storage.pointer).assumingMemoryBound(to: UInt16.self)
  }

  /// The first `rows` rows of x [.., columns], rounded to the nearest.
  convenience init(rounding x: MatrixView, rows: Int, columns: Int, _ kernels: UnsafePointer<tk_kernels>) {
    self.init(rows: rows, columns: columns)
    onElements { take(x, rows: rows, at: 0, kernels) }
  }

  /// The same numbers in 32 bits.
  func widened(_ compute: Compute) -> Tensor {
    let wide = Tensor(uninitialized: [rows, columns])
    compute.elements(wide.count) { piece in
      compute.kernels.functions.pointee.from_bf16(
        wide.pointer + piece.lowerBound, pointer + piece.lowerBound, piece.count)
    }
    return wide
  }

  /// Rounds rows of x to the nearest, in the calling thread.
  ///
  /// - Parameter first: The row of this matrix that the first row of `x` goes to.
  func take(_ x: MatrixView, rows: Int, at first: Int, _ kernels: UnsafePointer<tk_kernels>) {
    if x.stride == columns {
      kernels.pointee.to_bf16(pointer + first * columns, x.pointer, rows * columns)
    } else {
      for row in 0..<rows {
        kernels.pointee.to_bf16(pointer + (first + row) * columns, x.pointer + row * x.stride, columns)
      }
    }
  }
}
