import CTensorKernels

/// The right operand [k, n] of products x·M in 16-bit whole numbers, 12 bits and a sign, with a scale for each 128
/// neighbours along k.
///
/// Activations and frozen weights are both rounded so, to 1/8190 of the largest number of a block where bfloat16 rounds to
/// 1/512 of each, and a block's sum is exact in 32-bit integers (Das et al. 2018, "Mixed precision training of
/// convolutional neural networks using integer operations"). Memory: 2.03 bytes an element.
final class Int16Matrix: PackedWeight {
  let k: Int
  let n: Int
  private let int16: Tensor
  private let scales: Tensor
  private let kernels: KernelSet

  var takes: LeftOperand.Form { .int16 }

  private static let columns = Int(TK_INT16_COLUMNS)

  /// Rounds W [outputs, inputs], or its transpose.
  ///
  /// - Parameter transposed: Whether k are the inputs and n the outputs (y = x Wᵀ); otherwise the reverse (dx = dy W).
  init(_ weight: Tensor, transposed: Bool, _ compute: Compute) {
    let (outputs, inputs) = (weight.shape[0], weight.shape[1])
    (k, n) = transposed ? (inputs, outputs) : (outputs, inputs)
    kernels = compute.kernels
    let panels = (n + Self.columns - 1) / Self.columns
    int16 = Tensor(uninitialized: [panels, tk_int16_stride(k) * Self.columns / 2])
    scales = Tensor(uninitialized: [panels, tk_int16_blocks(k) * Self.columns])
    let (down, across) = transposed ? (1, inputs) : (inputs, 1)
    compute.pool.tiles(panels) { panel in
      let first = panel * Self.columns
      let (int16, scales) = at(column: first, row: 0)
      tk_pack_int16(int16, scales, weight.pointer + first * across, down, across, k, min(Self.columns, n - first))
    }
  }

  /// Where the panel that starts at a column has a row, at the start of a block.
  private func at(column: Int, row: Int) -> (UnsafeMutablePointer<Int16>, UnsafeMutablePointer<Float>) {
    let panel = column / Self.columns
    let int16 = UnsafeMutableRawPointer(int16.pointer + panel * int16.columns).assumingMemoryBound(to: Int16.self)
    return (
      int16 + row * Self.columns,
      scales.pointer + panel * scales.columns + row / Int(TK_INT16_DEPTH) * Self.columns
    )
  }

  func transposed(_ compute: Compute) -> Tensor {
    let plain = Tensor(uninitialized: [n, k])
    compute.pool.tiles(int16.rows) { panel in
      let first = panel * Self.columns
      let (int16, scales) = at(column: first, row: 0)
      tk_restore_int16(plain.pointer + first * k, int16, scales, k, min(Self.columns, n - first))
    }
    return plain
  }

  /// All of them, unless they are very many or the row is one, so that the threads share the reading.
  func tileColumns(rows: Int) -> Int { rows == 1 ? 512 : n <= 4096 ? n : VocabularyBlock.chunkWidth }

  func multiply(_ x: LeftOperand, depths: Range<Int>, columns: Range<Int>, into y: MatrixView, accumulates: Bool) {
    precondition(
      columns.lowerBound % Self.columns == 0 && depths.lowerBound % Int(TK_INT16_DEPTH) == 0,
      "A product starts in the middle of a panel or a block")
    let (int16, scales) = at(column: columns.lowerBound, row: depths.lowerBound)
    let left = x.asInt16
    kernels.functions.pointee.int16_product(
      y.pointer, y.stride, left.int16, left.scales.pointer, int16, scales, k, x.rows, depths.count, columns.count,
      accumulates ? 1 : 0)
  }
}

/// The left operand [rows, k] of products with a ``Int16Matrix``.
final class Int16Rows {
  let scales: Tensor
  private let storage: Tensor

  var int16: UnsafeMutablePointer<Int16> {
    UnsafeMutableRawPointer(storage.pointer).assumingMemoryBound(to: Int16.self)
  }

  /// Rounds `rows` rows of x [.., k], in the calling thread.
  init(rounding x: MatrixView, rows: Int, k: Int, _ kernels: UnsafePointer<tk_kernels>) {
    storage = Tensor(uninitialized: [rows, tk_int16_stride(k) / 2])
    scales = Tensor(uninitialized: [rows, tk_int16_blocks(k)])
    onElements { kernels.pointee.quantize_int16(int16, scales.pointer, x.pointer, x.stride, rows, k) }
  }
}

extension OperandFormat {
  /// 16-bit whole numbers.
  static let int16 = OperandFormat(isExact: false) { Int16Matrix($0, transposed: $1, $2) }
}
