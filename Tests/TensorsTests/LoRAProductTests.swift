import CTensorKernels
import Tensors
import Testing

/// The products with narrow matrices against the scalar reference, around the sizes of their register blocks.
@Suite struct LoRAProductTests {
  @Test(arguments: KernelSet.available.filter { $0.name != .scalar }.map(\.name), [1, 3, 4, 8, 9, 16, 64])
  func vectorsAgreeWithTheReference(name: KernelSet.Name, rank: Int) throws {
    let reference = tk_scalar_kernels().unsafelyUnwrapped.pointee
    let vectors = try #require(KernelSet.named(name)).functions.pointee
    for (rows, n) in [(0, 5), (1, 1), (5, 0), (3, 15), (4, 16), (6, 33), (64, 100), (65, 577)] {
      // Every row has a gap behind it.
      let (ldx, ldu) = (n + 3, rank + 1)
      let x = randomTensor([rows, ldx], seed: 1)
      let a = randomTensor([rank, ldx], seed: 2)
      let u = randomTensor([rows, ldu], seed: 3)
      func run(_ kernels: tk_kernels) -> [Float] {
        let (dots, sums, gathered) = (u.copy(), x.copy(), a.copy())
        kernels.lora_dots(dots.pointer, ldu, x.pointer, ldx, a.pointer, ldx, rows, rank, n, 0.5)
        kernels.lora_add(sums.pointer, ldx, u.pointer, ldu, a.pointer, ldx, rows, rank, n, 0.5)
        kernels.lora_gather(gathered.pointer, ldx, u.pointer, ldu, x.pointer, ldx, rows, rank, n, 0.5)
        return dots.values + sums.values + gathered.values
      }
      #expect(distance(run(vectors), run(reference)) < 1e-5, "\(rows) × \(n)")
    }
  }
}
