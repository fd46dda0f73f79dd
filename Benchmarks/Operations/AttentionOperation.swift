import CTensorKernels
import LanguageModels
import Tensors
import TestKit

extension Benchmark {
  /// Attention as SmolLM2-135M has it, counted in the products that a causal mask leaves: two forwards, five backwards.
  static let attention = Benchmark("attention", "9 heads of 64 over 3, forward and backward, on all cores") { bench in
    let (heads, keyValueHeads, dimension) = (9, 3, 64)
    let rotary = RotaryConfiguration(base: 10_000, dimension: dimension).table(positions: 2048)
    let shape = AttentionShape(
      heads: heads, keyValueHeads: keyValueHeads, headDimension: dimension, scale: 0.125, rotary: rotary)
    for compute in try Bench.classes() {
      let ceiling = compute.measuredProductRate() / 1e9
      for lengths in [[2048], [Int](repeating: 200, count: 10)] {
        let layout = SequenceLayout(lengths: lengths)
        let tokens = layout.tokenCount
        let q = patternedTensor("q", shape: [tokens, heads * dimension], amplitude: 1)
        let k = patternedTensor("k", shape: [tokens, keyValueHeads * dimension], amplitude: 1)
        let v = patternedTensor("v", shape: [tokens, keyValueHeads * dimension], amplitude: 1)
        let dO = patternedTensor("do", shape: q.shape, amplitude: 1)
        let pairs = lengths.reduce(0) { $0 + $1 * ($1 + 1) / 2 }
        let product = 2e-9 * Double(pairs * dimension * heads)
        let name = "\(compute.computeClass.rawValue) \(lengths.count) × \(lengths[0])"
        for (what, products, trains) in [("forward", 2.0, false), ("both", 7.0, true)] {
          try bench.rate(
            "\(name) \(what)", amount: products * product, unit: "GFLOP/s", ceiling: ceiling, runs: 5
          ) {
            let tape = Tape(compute: compute, records: trains)
            let input = AttentionInput(
              q: Variable(q, needsGradient: trains), k: Variable(k, needsGradient: trains),
              v: Variable(v, needsGradient: trains), shape)
            let o = try tape.attention(input, shape, in: .packed(layout))
            if trains { tape.backward(from: o, gradient: dO) }
          }
        }
      }
    }
  }

  /// What attention is made of: products of small tiles, whose operands are rounded and packed each time.
  static let tileProduct = Benchmark("tile-product", "attention's bf16 products, 192 × 64 × 64, on one core") { bench in
    let kernels = try KernelSet.chosenByEnvironment()
    guard ComputeClass.available(kernels).contains(.bf16) else { throw Skipped("the processor has no bf16 products") }
    let ceiling =
      Compute(pool: ThreadPool(threads: 1), kernels: kernels, computeClass: .bf16).measuredProductRate() / 1e9
    let (m, n, k, repetitions) = (192, 64, 64, 200)
    let a = patternedTensor("a", shape: [m, k], amplitude: 1)
    let b = patternedTensor("b", shape: [k, n], amplitude: 1)
    let c = Tensor(uninitialized: [m, n])
    let scratch = Tensor(uninitialized: [tk_tile_scratch(m, n, k)])
    for (name, transposesB) in [("a b", 0 as Int32), ("a bᵀ", 1)] {
      try bench.rate(
        name, amount: 2e-9 * Double(m * n * k * repetitions), unit: "GFLOP/s", ceiling: ceiling, runs: 20
      ) {
        for _ in 0..<repetitions {
          kernels.functions.pointee.bf16_tile_product(
            c.pointer, n, a.pointer, k, 0, b.pointer, transposesB == 0 ? n : k, transposesB, m, n, k, 0, nil,
            scratch.pointer)
        }
      }
    }
  }
}
