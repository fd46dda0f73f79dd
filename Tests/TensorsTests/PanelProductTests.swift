import CTensorKernels
import Tensors
import Testing

/// Products with a matrix in panels of columns.
@Suite struct PanelProductTests {
  private static let columns = Int(TK_PANEL_COLUMNS)
  private static let sizes = [
    (0, 3, 5), (1, 0, 5), (1, 1, 1), (6, 16, 16), (7, 255, 17), (12, 256, 31), (13, 257, 33), (64, 600, 48), (5, 9, 0),
  ]

  /// w [k, n] in panels, with a gap behind each.
  private func packed(_ w: Tensor, k: Int, n: Int) -> (Tensor, panel: Int) {
    let panel = k * Self.columns + 3
    let packed = Tensor(shape: [(n + Self.columns - 1) / Self.columns * panel])
    for row in 0..<k {
      for column in 0..<n {
        let place = column / Self.columns * panel + row * Self.columns + column % Self.columns
        packed.pointer[place] = w.pointer[row * n + column]
      }
    }
    return (packed, panel)
  }

  /// Every sum is one chain of fused multiply-adds, so that all classes of kernels give the same bits.
  @Test(arguments: sizes, [0, 1] as [Int32])
  func vectorsAreTheReference(size: (rows: Int, k: Int, n: Int), accumulates: Int32) {
    let (rows, k, n) = size
    let (w, panel) = packed(randomTensor([k, n], seed: 1), k: k, n: n)
    let x = randomTensor([rows, k + 2], seed: 2)
    func run(_ kernels: tk_kernels) -> [UInt32] {
      let c = randomTensor([rows, n + 1], seed: 3)
      kernels.panel_product(c.pointer, n + 1, x.pointer, k + 2, w.pointer, panel, rows, k, n, accumulates)
      return c.bits
    }
    let reference = run(tk_scalar_kernels().unsafelyUnwrapped.pointee)
    for set in KernelSet.available { #expect(run(set.functions.pointee) == reference, "\(set.name)") }
  }

  @Test(arguments: sizes) func theReferenceIsTheProduct(rows: Int, k: Int, n: Int) {
    let (x, plain) = (randomTensor([rows, k], seed: 2), randomTensor([k, n], seed: 1))
    let (w, panel) = packed(plain, k: k, n: n)
    let c = randomTensor([rows, n], seed: 3)
    let expected = (0..<rows * n).map { index in
      (0..<k).reduce(Double(c.pointer[index])) { sum, l in
        sum + Double(x.pointer[index / n * k + l]) * Double(plain.pointer[l * n + index % n])
      }
    }
    tk_scalar_kernels().unsafelyUnwrapped.pointee
      .panel_product(c.pointer, n, x.pointer, k, w.pointer, panel, rows, k, n, 1)
    // Up to 600 roundings of sums of up to 100: 6e-6 each.
    #expect(zip(c.values, expected).allSatisfy { abs(Double($0) - $1) < 2e-4 })
  }

  /// A frozen matrix that is packed both ways gives its plain elements away, and has them still.
  @Test(arguments: KernelSet.available.map(\.name))
  func packedWeightsKeepTheirElements(name: KernelSet.Name) throws {
    let set = try #require(KernelSet.available.first { $0.name == name })
    let compute = Compute(pool: ThreadPool(threads: 2), kernels: set)
    let plain = randomTensor([37, 50], seed: 1)
    let weight = try MatrixWeight(frozen: plain, compute: compute)
    let x = randomParameter("x", [9, 50], seed: 2)
    let tape = Tape(compute: compute, records: true)
    let y = tape.project(try tape.input(x), [try Projection(weight: weight)])[0]
    tape.backward(from: y)
    #expect(try #require(weight.value).bits == plain.bits)
    #expect(try #require(weight.value).shape == [37, 50])
  }
}
