import LanguageModels
import Tensors
import TestKit

extension Benchmark {
  /// The matrix products of SmolLM2-135M, where most of a step's time goes, against the fastest product there is.
  static let products = Benchmark("products", "matrix products of SmolLM2-135M, 1,024 rows, on all cores") { bench in
    for compute in try Bench.classes() {
      let name = compute.computeClass.rawValue
      let ceiling = compute.measuredProductRate() / 1e9
      bench.record("\(name) ceiling", unit: "GFLOP/s", values: [ceiling], isRate: true)
      let rows = 1024
      for (inputs, outputs) in [(576, 576), (576, 192), (576, 1536), (1536, 576)] {
        let product = 2e-9 * Double(rows * inputs * outputs)
        let x = patternedTensor("x", shape: [rows, inputs], amplitude: 1)
        let dy = patternedTensor("dy", shape: [rows, outputs], amplitude: 1)
        let weight = patternedTensor("w", shape: [outputs, inputs], amplitude: 0.1)
        let frozen = try Projection(weight: MatrixWeight(frozen: weight, compute: compute, int8: .both))
        let parameter = Parameter(name: "w", value: weight, isTrainable: true)
        let trained = try Projection(weight: MatrixWeight(trainable: parameter, compute: compute))
        func backAndForth(_ projection: Projection) {
          let tape = Tape(compute: compute, records: true)
          tape.backward(from: tape.project(Variable(x, needsGradient: true), [projection])[0], gradient: dy)
        }

        let shape = "\(name) \(inputs)→\(outputs)"
        try bench.rate("\(shape)", amount: product, unit: "GFLOP/s", ceiling: ceiling) {
          _ = Tape(compute: compute, records: false).project(Variable(x), [frozen])[0].value
        }
        try bench.rate("\(shape) and dx", amount: 2 * product, unit: "GFLOP/s", ceiling: ceiling) {
          backAndForth(frozen)
        }
        try bench.rate("\(shape), dx and dW", amount: 3 * product, unit: "GFLOP/s", ceiling: ceiling) {
          backAndForth(trained)
          parameter.clearGradient()
        }
      }
    }
  }

  /// The head and the loss: products with a vocabulary of 49,152, and its softmax.
  static let crossEntropy = Benchmark("cross-entropy", "head and loss of SmolLM2-135M, 512 labels, on all cores") {
    bench in
    let (labels, width, vocabulary) = (512, 576, 49_152)
    let x = patternedTensor("x", shape: [labels, width], amplitude: 1)
    let weight = patternedTensor("w", shape: [vocabulary, width], amplitude: 0.1)
    let targets = (0..<labels).map { Int32($0 * 89) }
    let weights = [Float](repeating: 1 / Float(labels), count: labels)
    for compute in try Bench.classes() {
      let ceiling = compute.measuredProductRate() / 1e9
      let head = try MatrixWeight(frozen: weight, compute: compute)
      let product = 2e-9 * Double(labels * width * vocabulary)
      for (what, needsGradient) in [("loss", false), ("loss and dx", true)] {
        try bench.rate(
          "\(compute.computeClass.rawValue) \(what)", amount: product * (needsGradient ? 2 : 1), unit: "GFLOP/s",
          ceiling: ceiling, runs: 5
        ) {
          let tape = Tape(compute: compute, records: true)
          let scored = try tape.crossEntropy(
            Variable(x, needsGradient: needsGradient), head: OutputHead(head), targets: targets, weights: weights)
          if needsGradient { tape.backward(from: scored.loss) }
        }
      }
    }
  }
}

extension Bench {
  /// The classes of arithmetic of the processor, on all its cores.
  static func classes() throws -> [Compute] {
    let kernels = try KernelSet.chosenByEnvironment()
    let pool = ThreadPool(threads: ThreadPool.availableProcessors)
    return ComputeClass.available(kernels).map { Compute(pool: pool, kernels: kernels, computeClass: $0) }
  }
}
