import Glibc
import Tensors
import TestKit

extension Benchmark {
  /// Operations that memory bounds, on arrays beyond the caches, in bytes that they have to read and write.
  static let rowOperations = Benchmark("rows", "norm, gate and optimizer against a copy of memory, on all cores") {
    bench in
    let kernels = try KernelSet.chosenByEnvironment()
    let compute = Compute(pool: ThreadPool(threads: ThreadPool.availableProcessors), kernels: kernels)
    let (rows, columns) = (16_384, 1536)
    // Rows of an operation's arrays, 100 MB each.
    func array(_ name: String) -> Tensor { patternedTensor(name, shape: [rows, columns], amplitude: 1) }
    let (a, b, dy) = (array("a"), array("b"), array("dy"))
    let gigabytes = 1e-9 * Double(a.count * MemoryLayout<Float>.stride)

    let target = Tensor(uninitialized: a.shape)
    // One piece a thread: large copies bypass the caches and so read nothing of the target.
    let piece = (a.count + compute.pool.threads - 1) / compute.pool.threads
    var copied: [Double] = []
    for _ in 0..<6 {
      let clock = ContinuousClock()
      let time = clock.measure {
        compute.pool.tiles(compute.pool.threads) {
          let count = min(piece, a.count - $0 * piece)
          memcpy(target.pointer + $0 * piece, a.pointer + $0 * piece, count * MemoryLayout<Float>.stride)
        }
      }
      copied.append(2 * gigabytes / (time / .seconds(1)))
    }
    bench.record("copy", unit: "GB/s", values: Array(copied.dropFirst()), isRate: true)
    let ceiling = copied.dropFirst().max()

    /// Measures an operation that moves `arrays` arrays.
    func measure(_ name: String, arrays: Int, _ work: () throws -> Void) throws {
      try bench.rate(
        name, amount: Double(arrays) * gigabytes, unit: "GB/s", ceiling: ceiling, runs: 5, work)
    }
    let rms = NormFunction(.rootMeanSquare, epsilon: 1e-5)
    let norm = Parameter(name: "norm", value: patternedTensor("norm", shape: [columns], amplitude: 1))
    try measure("add and norm", arrays: 4) {
      _ =
        Tape(compute: compute, records: false)
        .addNorm(Variable(a), Variable(b), rms, NormWeights(weight: norm)).normed.value
    }
    try measure("add and norm, both ways", arrays: 4 + 3) {
      let tape = Tape(compute: compute, records: true)
      let made = tape.addNorm(
        Variable(a, needsGradient: true), Variable(b, needsGradient: true), rms, NormWeights(weight: norm))
      tape.backward(from: made.normed, gradient: dy)
    }
    try measure("gate", arrays: 3) {
      _ = Tape(compute: compute, records: false).gatedActivation(gate: Variable(a), up: Variable(b), .silu).value
    }
    try measure("gate, both ways", arrays: 3 + 5) {
      let tape = Tape(compute: compute, records: true)
      let gated = tape.gatedActivation(
        gate: Variable(a, needsGradient: true), up: Variable(b, needsGradient: true), .silu)
      tape.backward(from: gated, gradient: dy)
    }
    let parameter = Parameter(name: "w", value: target, isTrainable: true)
    parameter.gradient = dy
    let slot = AdamWSlot(parameter: parameter, weightDecay: 0)
    try measure("AdamW", arrays: 4 + 3) { compute.update([slot], with: AdamW(learningRate: 1e-4), step: 1) }
  }
}
