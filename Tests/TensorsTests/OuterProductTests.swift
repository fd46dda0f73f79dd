import CTensorKernels
import Tensors
import Testing

/// What rows add to the gradient of a weight.
@Suite struct OuterProductTests {
  private static let sizes = [
    (0, 3, 5), (1, 1, 1), (3, 8, 48), (127, 9, 50), (128, 8, 47), (129, 7, 49), (300, 33, 100), (5, 4, 13),
  ]

  /// Every sum is one chain of fused multiply-adds, so that all classes of kernels give the same bits.
  @Test(arguments: sizes) func vectorsAreTheReference(k: Int, m: Int, n: Int) {
    // Every row has a gap behind it.
    let a = randomTensor([k, m + 2], seed: 1)
    let b = randomTensor([k, n + 3], seed: 2)
    func run(_ kernels: tk_kernels) -> [UInt32] {
      let g = randomTensor([m, n + 1], seed: 3)
      let scratch = Tensor(uninitialized: [tk_outer_scratch(m, n, k)])
      kernels.outer_products(g.pointer, n + 1, a.pointer, m + 2, b.pointer, n + 3, m, n, k, scratch.pointer)
      return g.bits
    }
    let reference = run(tk_scalar_kernels().unsafelyUnwrapped.pointee)
    for set in KernelSet.available { #expect(run(set.functions.pointee) == reference, "\(set.name)") }
  }

  @Test(arguments: sizes) func theReferenceAddsTheProduct(k: Int, m: Int, n: Int) {
    let (a, b, g) = (randomTensor([k, m], seed: 1), randomTensor([k, n], seed: 2), randomTensor([m, n], seed: 3))
    let expected = (0..<m * n).map { index in
      (0..<k).reduce(Double(g.pointer[index])) { sum, row in
        sum + Double(a.pointer[row * m + index / n]) * Double(b.pointer[row * n + index % n])
      }
    }
    let scratch = Tensor(uninitialized: [tk_outer_scratch(m, n, k)])
    tk_scalar_kernels().unsafelyUnwrapped.pointee
      .outer_products(g.pointer, n, a.pointer, m, b.pointer, n, m, n, k, scratch.pointer)
    // Up to 300 roundings of sums of up to 60: 4e-6 each.
    #expect(zip(g.values, expected).allSatisfy { abs(Double($0) - $1) < 1e-4 })
  }
}
