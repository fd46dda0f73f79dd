import LanguageModels
import Tensors
import TestKit
import Testing
import TokenShards
import Training

/// What training takes, measured in processes of their own: the pool counts for the whole process.
@Suite("Memory of a training step")
struct StepMemoryTests {
  /// One training on one row of `tokens`, the second half of which is learned.
  struct Run {
    var configuration: ModelConfiguration
    var computeClass = ComputeClass.f32
    var adapter: AdapterConfiguration? = AdapterConfiguration(rank: 4)
    var tokens: Int
    var recomputation = Recomputation.none

    static func configuration(layers: Int, width: Int, vocabulary: Int) -> ModelConfiguration {
      DecoderShape(
        hiddenSize: width, layerCount: layers, queryHeads: 4, keyValueHeads: 2,
        headDimension: width / 4, feedForwardSize: width * 5 / 2, vocabularySize: vocabulary, maximumPositions: 1 << 14,
        normEpsilon: 1e-5, rotary: RotaryConfiguration(base: 10_000, dimension: width / 4), tiesHead: true
      ).configuration(Llama.self)
    }

    /// The most bytes that tensors held in a step, and what the model held before them.
    func measure() throws -> (peak: Int, before: Int) {
      let model = try LanguageModel(
        configuration, weights: PatternedWeights(), compute: Compute(threads: 2, computeClass: computeClass),
        trains: { _ in adapter == nil })
      if let adapter { try model.attach(adapter, from: PatternedWeights()) }
      model.recomputation = recomputation
      let vocabulary = configuration.vocabularySize
      let row = TokenRow([
        TokenSequence(
          ids: (0..<tokens).map { Int32($0 * 7 % vocabulary) }, lossMask: (0..<tokens).map { $0 > tokens / 2 })
      ])
      let loop = try TrainingLoop(
        model: model, stage: SupervisedStage(), rows: TrainingRows([row]),
        settings: TrainingSettings(length: .steps(1), batchSize: 1, learningRate: 1e-4))
      MemoryPool.shared.resetPeak()
      let before = MemoryPool.shared.liveBytes
      _ = try loop.run()
      return (MemoryPool.shared.peakBytes, before)
    }

    var estimate: StepMemory {
      StepMemory(
        configuration, computeClass, adapter: adapter, tokens: tokens, labels: tokens / 2,
        recomputation: recomputation)
    }
  }

  @Test func theEstimateIsWithinAQuarterOfThePeak() async {
    await #expect(processExitsWith: .success) {
      let configuration = Run.configuration(layers: 6, width: 128, vocabulary: 2000)
      for computeClass in ComputeClass.available(try .chosenByEnvironment()) {
        for adapter in [AdapterConfiguration(rank: 8), nil] {
          for tokens in [512, 1536] {
            for recomputation in Recomputation.allCases {
              let run = Run(
                configuration: configuration, computeClass: computeClass, adapter: adapter, tokens: tokens,
                recomputation: recomputation)
              let (found, estimate) = (try run.measure().peak, run.estimate.peak)
              let ratio = Double(estimate) / Double(found)
              #expect(
                abs(ratio - 1) < 0.25,
                """
                \(computeClass), \(adapter == nil ? "all weights" : "adapter"), \(tokens) tokens, \(recomputation): \
                \(estimate) bytes estimated, \(found) measured
                """)
            }
          }
        }
      }
    }
  }

  /// Twice the tokens take twice the memory: an array with a row and a column a token would take another 17 MB of them.
  ///
  /// Sizes of the pool's blocks are up to a quarter apart, so that twice is not exact.
  @Test func memoryGrowsWithTheTokens() async {
    await #expect(processExitsWith: .success) {
      let configuration = Run.configuration(layers: 3, width: 64, vocabulary: 256)
      for computeClass in ComputeClass.available(try .chosenByEnvironment()) {
        for recomputation in Recomputation.allCases {
          func taken(_ tokens: Int) throws -> Int {
            let run = Run(
              configuration: configuration, computeClass: computeClass, tokens: tokens, recomputation: recomputation)
            let (peak, before) = try run.measure()
            return peak - before
          }
          let (half, whole) = (try taken(1024), try taken(2048))
          let growth = Double(whole) / Double(half)
          #expect(1.7 < growth && growth < 2.4, "\(computeClass), \(recomputation): \(half) → \(whole) bytes")
        }
      }
    }
  }

  @Test func recomputationTakesLess() async {
    await #expect(processExitsWith: .success) {
      let configuration = Run.configuration(layers: 12, width: 64, vocabulary: 256)
      let peaks = try Recomputation.allCases.map { recomputation in
        let (peak, before) = try Run(configuration: configuration, tokens: 1024, recomputation: recomputation).measure()
        return Double(peak - before)
      }
      // In the order of what they recompute: nothing, attention, blocks.
      #expect(peaks[1] < 0.9 * peaks[0])
      #expect(peaks[2] < 0.4 * peaks[0])
    }
  }
}
