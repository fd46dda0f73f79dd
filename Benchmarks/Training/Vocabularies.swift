import LanguageModels
import Tensors
import TestKit

extension Benchmark {
  /// The same few blocks between a vocabulary of bytes and one of 256 k tokens, as multilingual models have it: what the
  /// blocks cost by themselves, and what the head and the loss do.
  static let vocabularies = Benchmark("vocabularies", "an optimizer step with the smallest and a large vocabulary") {
    bench in
    let kernels = try KernelSet.chosenByEnvironment()
    let compute = try Compute(threads: ThreadPool.availableProcessors, computeClass: ComputeClass.best(kernels))
    for vocabulary in [256, 1 << 18] {
      let configuration = DecoderShape(
        hiddenSize: 384, layerCount: 6, queryHeads: 6, keyValueHeads: 2, headDimension: 64,
        feedForwardSize: 1024, vocabularySize: vocabulary, maximumPositions: 2048, normEpsilon: 1e-5,
        rotary: RotaryConfiguration(base: 10_000, dimension: 64), tiesHead: true
      ).configuration(Llama.self)
      for (kind, adapter) in [("LoRA", AdapterConfiguration(rank: 8)), ("full", nil)] {
        try bench.trainSteps("\(vocabulary), \(kind),", adapter: adapter) {
          try LanguageModel(configuration, weights: PatternedWeights(), compute: compute) { _ in adapter == nil }
        }
      }
    }
  }
}
