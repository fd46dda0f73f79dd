import Diagnostics
import Tensors
import Testing

@Suite struct ReproducibilityTests {
  /// A small model with everything in it: output, loss and every gradient as bits.
  private func run(_ compute: Compute, layers: Int = 2) throws -> [[UInt32]] {
    let lengths = [130, 1, 77, 200]
    let layout = SequenceLayout(lengths: lengths)
    let tokens = layout.tokenCount
    let (heads, shared, dimension, width, inner) = (4, 2, 16, 64, 200)
    let rotary = RotaryTable(headDimension: dimension, maximumPosition: 256, base: 10000)
    var parameters: [Parameter] = []
    var seed: UInt64 = 0
    func parameter(_ shape: [Int], _ scale: Float) -> Parameter {
      seed += 1
      let made = randomParameter("p\(seed)", shape, seed: seed, scale: scale)
      parameters.append(made)
      return made
    }
    func projection(_ outputs: Int, _ inputs: Int) throws -> Projection {
      try Projection(
        weight: try MatrixWeight(trainable: parameter([outputs, inputs], 0.1), compute: compute),
        bias: parameter([outputs], 0.1),
        adapter: try LowRankAdapter(
          a: parameter([4, inputs], 0.1), b: parameter([outputs, 4], 0.1), scale: 2, dropout: 0.1, dropoutStream: seed))
    }
    let table = parameter([2100, width], 1)
    let tape = Tape(compute: compute, records: true, step: RandomKey(seed: 1))
    var residual = try tape.embed((0..<tokens).map { Int32($0 * 37 % 2100) }, table: table)
    var update: Variable?
    for _ in 0..<layers {
      let norm = parameter([width], 1)
      let normed: Variable
      if let update {
        (residual, normed) = tape.addRMSNorm(residual, update, weight: norm, epsilon: 1e-5)
      } else {
        normed = tape.rmsNorm(residual, weight: norm, epsilon: 1e-5)
      }
      let qkv = tape.project(
        normed,
        [
          try projection(heads * dimension, width), try projection(shared * dimension, width),
          try projection(shared * dimension, width),
        ])
      let o = try tape.attention(
        q: qkv[0], k: qkv[1], v: qkv[2],
        AttentionShape(
          heads: heads, keyValueHeads: shared, headDimension: dimension, scale: 0.25, rotary: rotary),
        in: .packed(layout))
      let attended = tape.project(o, [try projection(width, heads * dimension)])[0]
      let (sum, second) = tape.addRMSNorm(residual, attended, weight: parameter([width], 1), epsilon: 1e-5)
      residual = sum
      let gates = tape.project(second, [try projection(inner, width), try projection(inner, width)])
      let h = tape.gatedActivation(gate: gates[0], up: gates[1], .silu)
      update = tape.project(h, [try projection(width, inner)])[0]
    }
    let last = try tape.selectRows(
      tape.add(residual, update ?? residual), (0..<Int32(tokens)).filter { $0 % 3 != 0 })
    let targets = (0..<Int32(last.value.rows)).map { $0 * 91 % 2100 }
    let result = try tape.crossEntropy(
      last, head: OutputHead(try MatrixWeight(trainable: table, compute: compute)), targets: targets,
      weights: targets.map { _ in 1 / Float(targets.count) })
    tape.backward(from: result.loss)
    let norm = compute.gradientNorm(parameters)
    let slots = parameters.map { AdamWSlot(parameter: $0, weightDecay: 0.1) }
    compute.update(
      slots, with: AdamW(learningRate: 1e-3), step: 1, gradientScale: gradientClipScale(norm: norm, maximum: 1))
    #expect(norm.isFinite && norm > 0)
    return [result.loss.value.bits, result.logProbabilities.map(\.bitPattern)]
      + parameters.map { $0.gradient?.bits ?? [] } + parameters.map(\.value.bits)
  }

  @Test(arguments: KernelSet.available.map(\.name))
  func everyNumberOfThreadsGivesTheSameBits(name: KernelSet.Name) throws {
    let kernels = try #require(KernelSet.named(name))
    let expected = try run(Compute(pool: ThreadPool(threads: 1), kernels: kernels))
    #expect(expected.allSatisfy { !$0.isEmpty })
    for threads in [2, 3, 4, 16, 64, 128] {
      let found = try run(Compute(pool: ThreadPool(threads: threads), kernels: kernels))
      #expect(found == expected, "\(threads) threads")
    }
  }

  @Test func kernelsAreChosenByName() {
    #expect(KernelSet.named(.scalar)?.name == .scalar)
    #expect(KernelSet.available.first?.name == .scalar)
    #expect(KernelSet.best.name == KernelSet.available.last?.name)
    let error = TensorError.unknownProcessorClass(name: "avx", available: ["scalar", "avx2"])
    #expect(error.diagnostics[0].advice == "Did you mean `avx2`?")
  }

  @Test func gradientsOfSeveralTapesAddUp() throws {
    let compute = allComputes()[0]
    let x = randomParameter("x", [4, 3], seed: 1)
    let weight = randomParameter("w", [2, 3], seed: 2)
    let projection = try Projection(weight: try MatrixWeight(trainable: weight, compute: compute))
    func pass(_ rows: [Int32]) throws {
      let tape = Tape(compute: compute, records: true)
      let y = tape.project(try tape.embed(rows, table: x), [projection])[0]
      tape.backward(from: y)
    }
    try pass([0, 1, 2, 3])
    let whole = (x.gradient?.values ?? [], weight.gradient?.values ?? [])
    x.clearGradient()
    weight.clearGradient()
    #expect(x.gradient == nil)
    try pass([0, 1])
    try pass([2, 3])
    #expect(distance(x.gradient?.values ?? [], whole.0) < 1e-6)
    #expect(distance(weight.gradient?.values ?? [], whole.1) < 1e-6)
  }
}
