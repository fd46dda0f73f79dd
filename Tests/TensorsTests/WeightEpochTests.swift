import Tensors
import Testing

/// What tapes share that are told that no weight changes between them.
@Suite struct WeightEpochTests {
  /// The second batch of an optimizer step takes the weight as the first one packed it, which shows when the weight is
  /// changed against the promise; a tape that was promised nothing looks again.
  @Test(
    .enabled(
      if: [.avx2, .avx512].contains(KernelSet.best.name), "only AVX2 and AVX-512 pack weights in 32-bit floats"))
  func tapesShareWhatTheyPacked() throws {
    let compute = Compute(pool: ThreadPool(threads: 1), kernels: .best)
    let parameter = randomParameter("w", [20, 30], seed: 1)
    let weight = try MatrixWeight(trainable: parameter, compute: compute)
    func run(_ weights: WeightEpoch) throws -> (y: [UInt32], dx: [UInt32]) {
      let x = randomParameter("x", [4, 30], seed: 2)
      let tape = Tape(compute: compute, records: true, weights: weights)
      let y = tape.project(try tape.input(x), [try Projection(weight: weight)])[0]
      let bits = y.value.bits
      tape.backward(from: y)
      return (bits, try #require(x.gradient).bits)
    }
    let step = WeightEpoch()
    let first = try run(step)
    for index in 0..<parameter.value.count { parameter.value.pointer[index] += 1 }
    let (second, next) = (try run(step), try run(WeightEpoch()))
    #expect(second.y == first.y && second.dx == first.dx)
    #expect(next.y != first.y && next.dx != first.dx)
  }
}
