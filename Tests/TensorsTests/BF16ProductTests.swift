import CTensorKernels
import Diagnostics
import Foundation
import Tensors
import Testing

/// Products of the bf16 class.
@Suite(.enabled(if: ComputeClass.available(.best).contains(.bf16), "the processor has no bf16 products"))
struct BF16ProductTests {
  private func compute(threads: Int = 2) -> Compute {
    Compute(pool: ThreadPool(threads: threads), kernels: .best, computeClass: .bf16)
  }

  private func rounded(_ tensor: Tensor) -> [Float] {
    let kernels = tk_scalar_kernels().unsafelyUnwrapped.pointee
    var halves = [UInt16](repeating: 0, count: tensor.count)
    var values = tensor.values
    kernels.to_bf16(&halves, tensor.pointer, tensor.count)
    kernels.from_bf16(&values, halves, tensor.count)
    return values
  }

  /// Products of numbers rounded to bf16 are exact in f32, so that only the order of the sums differs.
  @Test(arguments: [
    (1, 64, 32), (1, 1100, 96), (2, 3, 1), (5, 17, 7), (63, 40, 30), (64, 576, 64), (65, 193, 20), (130, 528, 48),
    (70, 4200, 16), (3, 20, 2500), (0, 5, 4),
  ])
  func productsAreThoseOfRoundedOperands(rows: Int, outputs: Int, inputs: Int) throws {
    let compute = compute()
    let x = randomParameter("x", [rows, inputs], seed: 1)
    let w = randomTensor([outputs, inputs], seed: 2)
    let tape = Tape(compute: compute, records: true)
    let projection = try Projection(weight: try MatrixWeight(frozen: w, compute: compute))
    let y = tape.project(try tape.input(x), [projection])[0]
    let expected = naiveProduct(rounded(x.value), rounded(w), inner: inputs)
    #expect(distance(y.value.values, expected) < 1e-4)

    let dy = randomTensor([rows, outputs], seed: 3)
    tape.backward(from: y, gradient: dy)
    let transposed = Tensor(uninitialized: [inputs, outputs])
    for output in 0..<outputs {
      for input in 0..<inputs {
        transposed.pointer[input * outputs + output] = w.pointer[output * inputs + input]
      }
    }
    let dx = naiveProduct(rounded(dy), rounded(transposed), inner: outputs)
    #expect(rows == 0 || distance(x.gradient?.values ?? [], dx) < 1e-4)
  }

  /// The head in chunks, with a last chunk of every kind, and a few columns in it.
  @Test(arguments: [70, 2048, 2100, 4100])
  func theHeadAgreesWithPlainFloats(vocabulary: Int) throws {
    func loss(_ compute: Compute) throws -> (Float, [Float]) {
      let x = randomParameter("x", [70, 32], seed: 1)
      let head = try MatrixWeight(frozen: randomTensor([vocabulary, 32], seed: 2, scale: 0.3), compute: compute)
      let tape = Tape(compute: compute, records: true)
      let result = try tape.crossEntropy(
        try tape.input(x), head: OutputHead(head), targets: (0..<70).map { $0 * 31 % Int32(vocabulary) },
        weights: [Float](repeating: 1, count: 70))
      tape.backward(from: result.loss)
      return (result.loss.value.pointer[0], x.gradient?.values ?? [])
    }
    let half = try loss(compute())
    let plain = try loss(Compute(pool: ThreadPool(threads: 1), kernels: .best))
    // A bf16 number has 8 bits: 2⁻⁹ each, over 32 terms.
    #expect(abs(half.0 / plain.0 - 1) < 1e-3)
    #expect(distance(half.1, plain.1) < 1e-2)
    #expect(half.1 != plain.1)
  }

  /// Most columns have no part of their own in the gradient, and whole chunks have none; targets are likely tokens and
  /// unlikely ones; distributions are peaked and flat.
  @Test(arguments: [1, 2], [2, 0.25] as [Float]) func unlikelyTokensCountAsTheirMean(threads: Int, scale: Float) throws
  {
    func gradient(_ compute: Compute, smoothing: Float) throws -> [Float] {
      let x = randomParameter("x", [150, 32], seed: 1)
      let table = randomTensor([20_000, 32], seed: 2, scale: scale)
      // What all rows of a head have in common cancels in exact arithmetic.
      for row in 0..<20_000 {
        for column in 0..<32 { table.pointer[row * 32 + column] += 2 * scale * Float(1 - column % 3) }
      }
      let head = try MatrixWeight(frozen: table, compute: compute)
      let tape = Tape(compute: compute, records: true)
      let result = try tape.crossEntropy(
        try tape.input(x), head: OutputHead(head), targets: (0..<150).map { $0 * 131 },
        weights: (0..<150).map { Float($0 % 3) }, smoothing: smoothing)
      tape.backward(from: result.loss)
      return x.gradient?.values ?? []
    }
    for smoothing in [0, 0.3] as [Float] {
      let found = try gradient(compute(threads: threads), smoothing: smoothing)
      let plain = try gradient(Compute(pool: ThreadPool(threads: 1), kernels: .best), smoothing: smoothing)
      let difference = zip(found, plain).reduce(0.0) { $0 + pow(Double($1.0 - $1.1), 2) }.squareRoot()
      let size = plain.reduce(0.0) { $0 + pow(Double($1), 2) }.squareRoot()
      // Rounded operands move scores by up to 2⁻⁹ · 30, and probabilities by as much.
      #expect(difference / size < 0.04)
    }
  }

  @Test func everyNumberOfThreadsGivesTheSameBits() throws {
    func run(threads: Int) throws -> [[UInt32]] {
      try adaptedStep(compute(threads: threads), vocabulary: 2100, headScale: 0.1).map { $0.map(\.bitPattern) }
    }
    let expected = try run(threads: 1)
    #expect(expected.allSatisfy { !$0.isEmpty })
    for threads in 2...4 { #expect(try run(threads: threads) == expected, "\(threads) threads") }
  }
}
