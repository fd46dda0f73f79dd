import CTensorKernels

/// The products of a tile with a matrix as it lies, in 32-bit floats, in the calling thread.
extension MatrixWeight {
  private var plain: MatrixView {
    guard let value else { preconditionFailure("A matrix that is kept rounded is multiplied packed") }
    return MatrixView(value)
  }

  /// y[rows, outputs] = x[rows, in] · (rows `outputs` of W)ᵀ.
  func apply(to x: MatrixView, rows: Int, outputs: Range<Int>, into y: MatrixView, _ compute: Compute) {
    let part = plain.from(row: outputs.lowerBound)
    if rows == 1 {
      // One row is bound by memory: read the weight once, as it lies.
      compute.kernels.functions.pointee.matrix_vector(
        y.pointer, part.pointer, part.stride, x.pointer, outputs.count, inputs)
    } else {
      multiply(x, part, transposesB: true, into: y, m: rows, n: outputs.count, k: inputs)
    }
  }

  /// dx[rows, inputs] (+)= dy[rows, outputs] · W[outputs, inputs] for a range of each.
  ///
  /// - `dy`: its first column belongs to `outputs.lowerBound`.
  func applyTransposed(
    to dy: MatrixView, rows: Int, outputs: Range<Int>, inputs: Range<Int>, into dx: MatrixView,
    accumulates: Bool = false
  ) {
    multiply(
      dy, plain.from(row: outputs.lowerBound, column: inputs.lowerBound), into: dx, m: rows,
      n: inputs.count, k: outputs.count, accumulates: accumulates)
  }
}
