import CTensorKernels

/// The right operand [k, n] of products x·M in 16-bit whole numbers, 12 bits and a sign, with a scale for each 128
/// neighbours along k.
///
/// Activations and frozen weights are both rounded so, to 1/8190 of the largest number of a block where bfloat16 rounds to
/// 1/512 of each, and a block's sum is exact in 32-bit integers (Das et al. 2018, "Mixed precision training of
/// convolutional neural networks using integer operations"). Memory: 2.03 bytes an element.
final class WordMatrix: RightMatrix {
  let k: Int
  let n: Int
  private let words: Tensor
  private let scales: Tensor
  private let kernels: KernelSet

  var takes: LeftRows.Form { .words }

  private static let columns = Int(TK_WORD_COLUMNS)

  /// Rounds W [outputs, inputs], or its transpose.
  ///
  /// - Parameter transposed: Whether k are the inputs and n the outputs (y = x Wᵀ); otherwise the reverse (dx = dy W).
  init(_ weight: Tensor, transposed: Bool, _ compute: Compute) {
    let (outputs, inputs) = (weight.shape[0], weight.shape[1])
    (k, n) = transposed ? (inputs, outputs) : (outputs, inputs)
    kernels = compute.kernels
    let panels = (n + Self.columns - 1) / Self.columns
    words = Tensor(uninitialized: [panels, tk_word_stride(k) * Self.columns / 2])
    scales = Tensor(uninitialized: [panels, tk_word_blocks(k) * Self.columns])
    let (down, across) = transposed ? (1, inputs) : (inputs, 1)
    compute.pool.tiles(panels) { panel in
      let first = panel * Self.columns
      let (words, scales) = at(column: first, row: 0)
      tk_pack_words(words, scales, weight.pointer + first * across, down, across, k, min(Self.columns, n - first))
    }
  }

  /// Where the panel that starts at a column has a row, at the start of a block.
  private func at(column: Int, row: Int) -> (UnsafeMutablePointer<Int16>, UnsafeMutablePointer<Float>) {
    let panel = column / Self.columns
    let words = UnsafeMutableRawPointer(words.pointer + panel * words.columns).assumingMemoryBound(to: Int16.self)
    return (
      words + row * Self.columns,
      scales.pointer + panel * scales.columns + row / Int(TK_WORD_DEPTH) * Self.columns
    )
  }

  func turned(_ compute: Compute) -> Tensor {
    let plain = Tensor(uninitialized: [n, k])
    compute.pool.tiles(words.rows) { panel in
      let first = panel * Self.columns
      let (words, scales) = at(column: first, row: 0)
      tk_restore_words(plain.pointer + first * k, words, scales, k, min(Self.columns, n - first))
    }
    return plain
  }

  /// All of them, unless they are very many or the row is one, so that the threads share the reading.
  func tileColumns(rows: Int) -> Int { rows == 1 ? 512 : n <= 4096 ? n : VocabularyBlock.chunkWidth }

  func multiply(_ x: LeftRows, depths: Range<Int>, columns: Range<Int>, into y: MatrixView, accumulates: Bool) {
    precondition(
      columns.lowerBound % Self.columns == 0 && depths.lowerBound % Int(TK_WORD_DEPTH) == 0,
      "A product starts in the middle of a panel or a block")
    let (words, scales) = at(column: columns.lowerBound, row: depths.lowerBound)
    let left = x.asWords
    kernels.functions.pointee.word_product(
      y.pointer, y.stride, left.words, left.scales.pointer, words, scales, k, x.rows, depths.count, columns.count,
      accumulates ? 1 : 0)
  }
}

/// The left operand [rows, k] of products with a ``WordMatrix``.
final class WordRows {
  let scales: Tensor
  private let storage: Tensor

  var words: UnsafeMutablePointer<Int16> {
    UnsafeMutableRawPointer(storage.pointer).assumingMemoryBound(to: Int16.self)
  }

  /// Rounds `rows` rows of x [.., k], in the calling thread.
  init(rounding x: MatrixView, rows: Int, k: Int, _ kernels: UnsafePointer<tk_kernels>) {
    storage = Tensor(uninitialized: [rows, tk_word_stride(k) / 2])
    scales = Tensor(uninitialized: [rows, tk_word_blocks(k)])
    kernels.pointee.quantize_words(words, scales.pointer, x.pointer, x.stride, rows, k)
  }
}
