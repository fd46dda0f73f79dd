import CTensorKernels

/// The right operand [k, n] of products x·M as it lies in a weight W [out, in], multiplied by OpenBLAS.
final class PlainMatrix: PackedWeight {
  let k: Int
  let n: Int
  private let weight: Tensor
  private let transposed: Bool
  private let kernels: KernelSet

  var takes: LeftOperand.Form { .f32 }

  /// - Parameter transposed: Whether k are the inputs and n the outputs (y = x Wᵀ); otherwise the reverse (dx = dy W).
  init(_ weight: Tensor, transposed: Bool, _ compute: Compute) {
    let (outputs, inputs) = (weight.shape[0], weight.shape[1])
    (k, n) = transposed ? (inputs, outputs) : (outputs, inputs)
    self.weight = weight
    self.transposed = transposed
    kernels = compute.kernels
  }

  func transposed(_ compute: Compute) -> Tensor {
    if transposed { return weight }
    let plain = Tensor(uninitialized: [n, k])
    compute.pool.tiles(n) { column in
      for row in 0..<k { plain.pointer[column * k + row] = weight.pointer[row * n + column] }
    }
    return plain
  }

  func tileColumns(rows: Int) -> Int { TileGrid.activationTile.columns }

  func multiply(_ x: LeftOperand, depths: Range<Int>, columns: Range<Int>, into y: MatrixView, accumulates: Bool) {
    let (down, across) = transposed ? (columns, depths) : (depths, columns)
    let part = MatrixView(weight).from(row: down.lowerBound, column: across.lowerBound)
    if x.rows == 1, transposed, !accumulates {
      // One row is bound by memory: read the weight once, as it lies.
      kernels.functions.pointee.matrix_vector(
        y.pointer, part.pointer, part.stride, x.floats.pointer, columns.count, depths.count)
    } else {
      Tensors.multiply(
        x.floats, part, transposesB: transposed, into: y, m: x.rows, n: columns.count, k: depths.count,
        accumulates: accumulates)
    }
  }
}

extension OperandFormat {
  /// As it lies, in 32-bit floats.
  static let plain = OperandFormat(isExact: true, refers: true) { PlainMatrix($0, transposed: $1, $2) }
}
