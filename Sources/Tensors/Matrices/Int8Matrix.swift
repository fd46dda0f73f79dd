import CTensorKernels

/// The right operand [k, n] of products x·M in bytes: 8-bit whole numbers with a scale for each 64 neighbours along k.
///
/// Activations and frozen weights are both rounded so, and a block's sum is exact in 32-bit integers. It is the scheme of
/// SwitchBack (Wortsman et al. 2023, "Stable and low-precision training for large-scale vision-language models") with
/// blocks in place of rows, because outliers of language models would take a whole row's resolution (Dettmers et al.
/// 2022, "LLM.int8()"). Both operands of a block are multiplied by a Hadamard matrix first, which changes no product and
/// spreads an outlier over its block (Xi et al. 2023, "Training transformers with 4-bit integers"). Memory: 1.13 bytes an
/// element.
final class Int8Matrix: PackedWeight {
  let k: Int
  let n: Int
  private let blocks: Int
  private let int8: Tensor
  private let scales: Tensor
  private let offsets: Tensor
  private let kernels: KernelSet

  var takes: LeftOperand.Form { .int8 }

  /// Elements of all blocks of a panel of columns.
  private var panelBytes: Int { blocks * Int(TK_INT8_DEPTH * TK_INT8_COLUMNS) }
  private var panelScales: Int { blocks * Int(TK_INT8_COLUMNS) }

  /// Rounds W [outputs, inputs], or its transpose.
  ///
  /// - Parameter transposed: Whether k are the inputs and n the outputs (y = x Wᵀ); otherwise the reverse (dx = dy W).
  init(_ weight: Tensor, transposed: Bool, _ compute: Compute) {
    let (outputs, inputs) = (weight.shape[0], weight.shape[1])
    (k, n) = transposed ? (inputs, outputs) : (outputs, inputs)
    kernels = compute.kernels
    let (down, across) = transposed ? (1, inputs) : (inputs, 1)
    blocks = tk_int8_blocks(k)
    let panels = tk_int8_panels(n)
    int8 = Tensor(uninitialized: [panels * blocks * Int(TK_INT8_DEPTH * TK_INT8_COLUMNS) / 4])
    scales = Tensor(uninitialized: [panels * blocks * Int(TK_INT8_COLUMNS)])
    offsets = Tensor(uninitialized: [panels * blocks * Int(TK_INT8_COLUMNS)])
    compute.pool.tiles(panels) { panel in
      let column = panel * Int(TK_INT8_COLUMNS)
      let (int8, scales, offsets) = at(panel)
      tk_pack_int8(
        int8, scales, offsets, weight.pointer + column * across, down, across, k, min(Int(TK_INT8_COLUMNS), n - column)
      )
    }
  }

  private func at(
    _ panel: Int
  ) -> (UnsafeMutablePointer<Int8>, UnsafeMutablePointer<Float>, UnsafeMutablePointer<Int32>) {
    (
      UnsafeMutableRawPointer(int8.pointer).assumingMemoryBound(to: Int8.self) + panel * panelBytes,
      scales.pointer + panel * panelScales,
      UnsafeMutableRawPointer(offsets.pointer).assumingMemoryBound(to: Int32.self) + panel * panelScales
    )
  }

  func transposed(_ compute: Compute) -> Tensor {
    let plain = Tensor(uninitialized: [n, k])
    compute.pool.tiles(tk_int8_panels(n)) { panel in
      let (int8, scales, _) = at(panel)
      let first = panel * Int(TK_INT8_COLUMNS)
      tk_restore_int8(plain.pointer + first * k, int8, scales, k, min(Int(TK_INT8_COLUMNS), n - first))
    }
    return plain
  }

  /// A multiple of 48 and of 64, where a ``PackedMatrix`` may be cut as well.
  private static let rowColumns = 768
  private static let mostColumns = 4096

  /// All of them, unless they are very many or the row is one, so that the threads share the reading.
  func tileColumns(rows: Int) -> Int { rows > 1 && n <= Self.mostColumns ? n : min(n, Self.rowColumns) }

  func multiply(_ x: LeftOperand, depths: Range<Int>, columns: Range<Int>, into y: MatrixView, accumulates: Bool) {
    precondition(depths == 0..<k, "Blocks of bytes are multiplied whole")
    let x = x.asInt8
    precondition(columns.lowerBound % Int(TK_INT8_COLUMNS) == 0, "Columns start in the middle of a panel")
    let (int8, scales, offsets) = at(columns.lowerBound / Int(TK_INT8_COLUMNS))
    kernels.functions.pointee.int8_product(
      y.pointer, y.stride, x.int8, x.scales.pointer, int8, scales, offsets, x.rows, k, columns.count,
      accumulates ? 1 : 0)
  }
}

/// The left operand [rows, k] of products with a ``Int8Matrix``: bytes with a scale for each 64 of a row.
final class Int8Rows {
  let rows: Int
  let scales: Tensor
  private let storage: Tensor

  var int8: UnsafeMutablePointer<UInt8> {
    UnsafeMutableRawPointer(storage.pointer).assumingMemoryBound(to: UInt8.self)
  }

  /// Rounds `rows` rows of x [.., k], in the calling thread.
  init(rounding x: MatrixView, rows: Int, k: Int, _ kernels: UnsafePointer<tk_kernels>) {
    let blocks = tk_int8_blocks(k)
    self.rows = rows
    storage = Tensor(uninitialized: [rows, blocks * Int(TK_INT8_DEPTH) / 4])
    scales = Tensor(uninitialized: [rows, blocks])
    onElements { kernels.pointee.quantize_int8(int8, scales.pointer, x.pointer, x.stride, rows, k) }
  }
}

extension OperandFormat {
  /// Bytes.
  static let int8 = OperandFormat(isExact: false) { Int8Matrix($0, transposed: $1, $2) }
}
