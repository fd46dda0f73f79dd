import CTensorKernels
import Tensors
import Testing

/// Products of attention tiles with operands in bf16, against the scalar reference, around the sizes of their blocks.
@Suite struct BF16TileTests {
  @Test(arguments: [
    (1, 1, 1), (6, 16, 2), (7, 17, 3), (192, 64, 64), (64, 64, 192), (33, 25, 64), (5, 100, 31), (192, 1, 64),
    (13, 63, 65), (0, 5, 5), (5, 5, 0),
  ])
  func vectorsAgreeWithTheReference(m: Int, n: Int, k: Int) {
    let reference = tk_scalar_kernels().unsafelyUnwrapped.pointee
    let scratch = Tensor(uninitialized: [tk_tile_scratch(m, n, k)])
    for (transposedA, transposedB) in [(false, false), (true, false), (false, true), (true, true)] {
      // Every row has a gap behind it.
      let a = randomTensor(transposedA ? [k, m + 3] : [m, k + 3], seed: 1)
      let b = randomTensor(transposedB ? [n, k + 1] : [k, n + 1], seed: 2)
      for accumulates in [false, true] {
        func run(_ kernels: tk_kernels) -> [Float] {
          let c = randomTensor([m, n + 2], seed: 3)
          kernels.bf16_tile_product(
            c.pointer, n + 2, a.pointer, a.columns, transposedA ? 1 : 0, b.pointer, b.columns, transposedB ? 1 : 0, m,
            n, k,
            accumulates ? 1 : 0, nil, scratch.pointer)
          return c.values
        }
        for kernels in KernelSet.available {
          #expect(
            distance(run(kernels.functions.pointee), run(reference)) < 1e-5,
            "\(kernels.name) \(transposedA) \(transposedB)")
        }
      }
    }
  }

  @Test(arguments: [(1, 1, 1), (6, 16, 2), (64, 576, 256), (7, 33, 5), (13, 63, 65), (0, 5, 5), (5, 5, 0)])
  func listedRowsAgreeWithTheReference(m: Int, n: Int, k: Int) {
    let reference = tk_scalar_kernels().unsafelyUnwrapped.pointee
    let scratch = Tensor(uninitialized: [tk_tile_scratch(m, n, k)])
    let a = randomTensor([m, k + 3], seed: 1)
    let plain = randomTensor([3 * k + 1, n + 1], seed: 2)
    var table = [UInt16](repeating: 0, count: plain.count)
    reference.to_bf16(&table, plain.pointer, plain.count)
    let rows = (0..<k).map { UInt32($0 * 3 + $0 % 2) }
    for accumulates in [false, true] {
      func run(_ kernels: tk_kernels) -> [Float] {
        let c = randomTensor([m, n + 2], seed: 3)
        kernels.bf16_rows_product(
          c.pointer, n + 2, a.pointer, a.columns, table, n + 1, rows, m, n, k, accumulates ? 1 : 0, scratch.pointer)
        return c.values
      }
      for kernels in KernelSet.available {
        #expect(distance(run(kernels.functions.pointee), run(reference)) < 1e-5, "\(kernels.name)")
      }
    }
  }
}
