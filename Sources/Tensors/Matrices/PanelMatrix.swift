import CTensorKernels

/// The right operand [k, n] of products x·M in 32-bit floats, in the order that our own kernel reads: panels of 16 columns.
///
/// Memory: 4 bytes an element, columns rounded up to 16.
final class PanelMatrix: PackedWeight {
  let k: Int
  let n: Int
  private let storage: Tensor
  private let kernels: KernelSet

  var takes: LeftOperand.Form { .f32 }

  private static let columns = Int(TK_PANEL_COLUMNS)

  /// Packs W [outputs, inputs], or its transpose.
  ///
  /// - Parameter transposed: Whether k are the inputs and n the outputs (y = x Wᵀ); otherwise the reverse (dx = dy W).
  init(_ weight: Tensor, transposed: Bool, _ compute: Compute) {
    let (outputs, inputs) = (weight.shape[0], weight.shape[1])
    (k, n) = transposed ? (inputs, outputs) : (outputs, inputs)
    kernels = compute.kernels
    let panels = (n + Self.columns - 1) / Self.columns
    storage = Tensor(uninitialized: [panels * k * Self.columns])
    let (down, across) = transposed ? (1, inputs) : (inputs, 1)
    compute.pool.tiles(panels) { panel in
      let target = storage.pointer + panel * k * Self.columns
      let first = panel * Self.columns
      let taken = min(Self.columns, n - first)
      for row in 0..<k {
        let source = weight.pointer + row * down + first * across
        for column in 0..<taken { target[row * Self.columns + column] = source[column * across] }
        for column in taken..<Self.columns { target[row * Self.columns + column] = 0 }
      }
    }
  }

  func transposed(_ compute: Compute) -> Tensor {
    let plain = Tensor(uninitialized: [n, k])
    compute.pool.tiles(n) { column in
      let source = storage.pointer + column / Self.columns * k * Self.columns + column % Self.columns
      for row in 0..<k { plain.pointer[column * k + row] = source[row * Self.columns] }
    }
    return plain
  }

  /// All of them, unless they are very many or the row is one, so that the threads share the reading.
  func tileColumns(rows: Int) -> Int { rows == 1 ? 512 : n <= 4096 ? n : VocabularyBlock.chunkWidth }

  func multiply(_ x: LeftOperand, depths: Range<Int>, columns: Range<Int>, into y: MatrixView, accumulates: Bool) {
    precondition(columns.lowerBound % Self.columns == 0, "Columns start in the middle of a panel")
    kernels.functions.pointee.panel_product(
      y.pointer, y.stride, x.floats.pointer, x.floats.stride,
      storage.pointer + columns.lowerBound * k + depths.lowerBound * Self.columns, k * Self.columns, x.rows,
      depths.count, columns.count, accumulates ? 1 : 0)
  }
}

extension OperandFormat {
  /// Panels of 32-bit floats.
  static let panels = OperandFormat(isExact: true) { PanelMatrix($0, transposed: $1, $2) }
}
