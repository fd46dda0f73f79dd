import CTensorKernels
import Tensors
import Testing

/// Products of small tiles in 32-bit floats.
@Suite struct FloatTileTests {
  private static let sizes = [
    (1, 1, 1), (6, 16, 64), (7, 17, 3), (64, 64, 64), (13, 31, 257), (5, 16, 0), (192, 40, 65),
  ]

  private func transposed(_ x: Tensor) -> Tensor {
    let (rows, columns) = (x.shape[0], x.shape[1])
    return Tensor(
      shape: [columns, rows], values: (0..<columns).flatMap { j in (0..<rows).map { x.pointer[$0 * columns + j] } })
  }

  /// Every sum is one chain of fused multiply-adds: the same bits in all classes of kernels, whichever operand is turned.
  @Test(arguments: sizes, [0, 1] as [Int32])
  func vectorsAreTheReference(size: (m: Int, n: Int, k: Int), accumulates: Int32) {
    let (m, n, k) = size
    let (a, b) = (randomTensor([m, k], seed: 1), randomTensor([k, n], seed: 2))
    let (transposedA, transposedB) = (transposed(a), transposed(b))
    let scratch = Tensor(uninitialized: [k * Int(TK_TILE_COLUMNS)])
    func run(_ kernels: tk_kernels, _ flipsA: Bool, _ flipsB: Bool) -> [UInt32] {
      let c = randomTensor([m, n + 1], seed: 3)
      let (left, right) = (flipsA ? transposedA : a, flipsB ? transposedB : b)
      kernels.float_tile_product(
        c.pointer, n + 1, left.pointer, left.columns, flipsA ? 1 : 0, right.pointer, right.columns, flipsB ? 1 : 0, m,
        n, k, accumulates, nil, scratch.pointer)
      return c.bits
    }
    let reference = run(tk_scalar_kernels().unsafelyUnwrapped.pointee, false, false)
    for set in KernelSet.available {
      for (flipsA, flipsB) in [(false, false), (false, true), (true, false), (true, true)] {
        #expect(run(set.functions.pointee, flipsA, flipsB) == reference, "\(set.name), turned \(flipsA), \(flipsB)")
      }
    }
  }

  /// The rows of a table in any order, also repeatedly.
  @Test(arguments: sizes) func chosenRowsAreTheReference(m: Int, n: Int, k: Int) {
    let (a, table) = (randomTensor([m, k], seed: 1), randomTensor([50, n], seed: 2))
    let chosen = (0..<k).map { UInt32($0 * 31 % 50) }
    let plain = Tensor(
      shape: [k, n], values: chosen.flatMap { row in (0..<n).map { table.pointer[Int(row) * n + $0] } })
    let scratch = Tensor(uninitialized: [k * Int(TK_PANEL_COLUMNS)])
    let expected = randomTensor([m, n], seed: 3)
    tk_scalar_kernels().unsafelyUnwrapped.pointee.float_tile_product(
      expected.pointer, n, a.pointer, k, 0, plain.pointer, n, 0, m, n, k, 1, nil, scratch.pointer)
    for set in KernelSet.available {
      let c = randomTensor([m, n], seed: 3)
      set.functions.pointee.float_rows_product(
        c.pointer, n, a.pointer, k, table.pointer, n, chosen, m, n, k, 1, scratch.pointer)
      #expect(c.bits == expected.bits, "\(set.name)")
    }
  }
}
