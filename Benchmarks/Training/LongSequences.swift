import LanguageModels
import ModelFolders
import Tensors
import TestKit
import TokenShards

extension Benchmark {
  /// What one long text takes: seconds of a step and the most memory, with everything kept and with blocks recomputed.
  static let longSequences = Benchmark("long-sequences", "an optimizer step on one row of 1,024 to 8,192 tokens") {
    bench in
    let folder = try ModelFolder.open(bench.modelPath())
    let kernels = try KernelSet.chosenByEnvironment()
    let compute = try Compute(threads: ThreadPool.availableProcessors, computeClass: ComputeClass.best(kernels))
    for tokens in [1024, 2048, 4096, 8192] where tokens <= folder.configuration.maximumPositions {
      for recomputation in Recomputation.allCases {
        try PeakMemory.restart()
        let model = try folder.languageModel(compute: compute)
        try model.attach(AdapterConfiguration(rank: 8), from: PatternedWeights())
        model.recomputation = recomputation
        let row = longRow(tokens, vocabulary: model.configuration.vocabularySize)
        MemoryPool.shared.resetPeak()
        let rates = try bench.rates(model, [row, row, row], batchSize: 1).dropFirst()
        let name = "\(tokens), \(recomputation.rawValue),"
        bench.record("\(name) step", unit: "s", values: rates.map { Double(tokens) / $0 })
        bench.record("\(name) tensors", unit: "MiB", values: [Double(MemoryPool.shared.peakBytes >> 20)])
        if let bytes = PeakMemory.bytes {
          bench.record("\(name) memory", unit: "MiB", values: [Double(bytes >> 20)])
        }
      }
    }
  }

  /// Random tokens, the second half of which is learned.
  private static func longRow(_ tokens: Int, vocabulary: Int) -> TokenRow {
    var random = SeededGenerator(seed: 1)
    return TokenRow([
      TokenSequence(
        ids: (0..<tokens).map { _ in .random(in: 0..<Int32(vocabulary), using: &random) },
        lossMask: (0..<tokens).map { $0 >= tokens / 2 })
    ])
  }
}
