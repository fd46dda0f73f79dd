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
    var plan = PrecisionPlan()
    var settings = TrainingSettings(length: .steps(2), batchSize: 1, learningRate: 1e-4)

    static func configuration(layers: Int, width: Int, vocabulary: Int) -> ModelConfiguration {
      DecoderShape(
        hiddenSize: width, layerCount: layers, queryHeads: 4, keyValueHeads: 2,
        headDimension: width / 4, feedForwardSize: width * 5 / 2, vocabularySize: vocabulary, maximumPositions: 1 << 14,
        normEpsilon: 1e-5, rotary: RotaryConfiguration(base: 10_000, dimension: width / 4), tiesHead: true
      ).configuration(Llama.self)
    }

    var row: TokenRow {
      let vocabulary = configuration.vocabularySize
      return TokenRow([
        TokenSequence(
          ids: (0..<tokens).map { Int32($0 * 7 % vocabulary) }, lossMask: (0..<tokens).map { $0 > tokens / 2 })
      ])
    }

    /// The most bytes that tensors held in two steps, and what the model held before them.
    func measure() throws -> (peak: Int, before: Int) {
      let model = try LanguageModel(
        configuration, weights: PatternedWeights(), compute: Compute(threads: 2, computeClass: computeClass),
        plan: plan, longestSequence: tokens, trains: { _ in adapter == nil })
      if let adapter { try model.attach(adapter, from: PatternedWeights()) }
      model.recomputation = recomputation
      let loop = try TrainingLoop(
        model: model, stage: SupervisedStage(), rows: TrainingRows([row]),
        settings: settings)
      MemoryPool.shared.resetPeak()
      let before = MemoryPool.shared.liveBytes
      _ = try loop.run()
      return (MemoryPool.shared.peakBytes, before)
    }

    var estimate: StepMemory {
      get throws {
        try StepMemory.counted(
          configuration, computeClass, plan: plan, adapter: adapter, settings: settings, stage: SupervisedStage(),
          rows: [row],
          recomputations: [recomputation], threads: 2)[0]
      }
    }
  }

  /// What is not counted is what threads take for tiles, a part of a megabyte here.
  @Test func whatIsCountedIsThePeak() async {
    await #expect(processExitsWith: .success) {
      let configuration = Run.configuration(layers: 6, width: 128, vocabulary: 2000)
      for computeClass in ComputeClass.available(try .chosenByEnvironment()) {
        for adapter in [AdapterConfiguration(rank: 8), nil] {
          for tokens in [512, 1536] {
            for recomputation in Recomputation.allCases {
              let run = Run(
                configuration: configuration, computeClass: computeClass, adapter: adapter, tokens: tokens,
                recomputation: recomputation)
              let (found, estimate) = (try run.measure().peak, try run.estimate.peak)
              let ratio = Double(estimate) / Double(found)
              #expect(
                abs(ratio - 1) < 0.05,
                """
                \(computeClass), \(adapter == nil ? "all weights" : "adapter"), \(tokens) tokens, \(recomputation): \
                \(estimate) bytes counted, \(found) measured
                """)
            }
          }
        }
      }
    }
  }

  /// What optimizers and averages keep, the best weights, and what groups freeze.
  @Test func whatIsKeptBesideIsCounted() async {
    await #expect(processExitsWith: .success) {
      func compare(_ name: String, _ change: (inout TrainingSettings) -> Void) throws -> Int {
        var run = Run(configuration: Run.configuration(layers: 4, width: 128, vocabulary: 500), tokens: 64)
        run.adapter = nil
        change(&run.settings)
        let (found, estimate) = (try run.measure().peak, try run.estimate.peak)
        let ratio = Double(estimate) / Double(found)
        #expect(abs(ratio - 1) < 0.06, "\(name): \(estimate) bytes counted, \(found) measured")
        return estimate
      }
      var sizes: [String: Int] = [:]
      for kind in optimizerKinds where !kind.replacesSchedule {
        sizes[kind.name] = try compare(kind.name) { $0.optimizer = kind.init() }
      }
      let adamw = try #require(sizes["adamw"])
      #expect(try #require(sizes["lomo"]) < adamw)
      let average = try compare("average") { $0.average = AverageSettings() }
      #expect(average > adamw)
      #expect(try compare("average and best") { ($0.average, $0.keepsBest) = (AverageSettings(), true) } > average)
      #expect(try compare("frozen") { $0.rules.rules = [.init("mlp", isFrozen: true)] } < adamw)
    }
  }

  /// Rounded weights take what their bits say, and are counted so.
  @Test func roundedWeightsTakeLess() async {
    await #expect(processExitsWith: .success) {
      let configuration = Run.configuration(layers: 8, width: 512, vocabulary: 500)
      for computeClass in ComputeClass.available(try .chosenByEnvironment()) where computeClass != .int8 {
        var sizes: [Int] = []
        for maps in [PrecisionPlan.Maps.packed, .bf16, .int8, .nf4] {
          let run = Run(
            configuration: configuration, computeClass: computeClass, tokens: 128, plan: PrecisionPlan(maps: maps))
          let (found, estimate) = (try run.measure().peak, try run.estimate)
          let ratio = Double(estimate.peak) / Double(found)
          #expect(abs(ratio - 1) < 0.05, "\(computeClass), \(maps): \(estimate.peak) bytes counted, \(found) measured")
          sizes.append(estimate.model)
        }
        let maps = Double(configuration.blocks.reduce(0) { $0 + $1.maps.reduce(0) { $0 + $1.inputs * $1.outputs } })
        // In one direction in place of both; 16, 8.5 and 4.13 bits.
        #expect(Double(sizes[1] - sizes[2]) / maps > 0.9 && Double(sizes[1] - sizes[2]) / maps < 0.98)
        #expect(Double(sizes[2] - sizes[3]) / maps > 0.52 && Double(sizes[2] - sizes[3]) / maps < 0.58)
        #expect(sizes[0] > sizes[1] + Int(1.5 * maps))
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

  /// Every module and operation leaves out what touches elements: one that does not ends the process.
  @Test(arguments: FamilyFixture.names)
  func everyFamilyIsCounted(name: String) throws {
    let fixture = try FamilyFixture(name)
    guard let configuration = try? fixture.configuration() else { return }
    let rows = try fixture.sequences().map { TokenRow([TokenSequence(ids: $0.ids, lossMask: $0.lossMask)]) }
    let pairs = rows.compactMap { row -> TokenRow? in
      guard let sequence = row.sequences.first, sequence.labelCount > 0 else { return nil }
      return TokenRow(
        [.chosen, .rejected].map { TokenSequence(role: $0, ids: sequence.ids, lossMask: sequence.lossMask) })
    }
    let scores = pairs.map { _ in PairLogProbabilities(chosen: 0, rejected: 0) }
    var adapter = fixture.adapter
    if var lora = adapter?.method as? LoRA {
      lora.dropout = 0.1
      adapter?.method = lora
    }
    for computeClass in ComputeClass.available(try .chosenByEnvironment()) {
      for adapter in [adapter, nil] {
        func counted(_ stage: some TrainingStage, _ rows: [TokenRow]) throws -> [StepMemory] {
          try StepMemory.counted(
            configuration, computeClass, adapter: adapter, stage: stage, rows: rows,
            recomputations: Recomputation.allCases)
        }
        let memories =
          try counted(SupervisedStage(), rows) + counted(PairStage(sigmoidObjective(), reference: scores), pairs)
        #expect(memories.count == 2 * Recomputation.allCases.count)
        #expect(memories.allSatisfy { $0.model > 0 && $0.optimizer > 0 && $0.activations > 0 }, "\(memories)")
      }
    }
  }

  /// The kernels of other processors are counted on any: none of them runs.
  @Test(arguments: KernelSet.available.map(\.name))
  func everyKindOfKernelIsCounted(name: KernelSet.Name) throws {
    let kernels = try #require(KernelSet.named(name))
    let configuration = Run.configuration(layers: 2, width: 64, vocabulary: 256)
    for computeClass in ComputeClass.available(kernels) {
      let peak = try MemoryCount.run { count in
        let model = try LanguageModel(
          configuration, weights: WeightShapes(),
          compute: Compute(pool: ThreadPool(threads: 2), kernels: kernels, computeClass: computeClass))
        try model.attach(AdapterConfiguration(rank: 4), from: WeightShapes())
        let tape = Tape(compute: model.compute, records: true)
        let ids = [Int32](repeating: 0, count: 100)
        let batch = PackedBatch([LabelledSequence(ids: ids, lossMask: ids.map { _ in true })])
        let loss = try tape.crossEntropy(
          model.hiddenStates(tape, batch), head: model.head, targets: batch.targets,
          weights: [Float](repeating: 1, count: batch.labelCount)
        ).loss
        tape.backward(from: loss)
        return count.peakBytes
      }
      #expect(peak > configuration.parameterCount, "\(computeClass) on \(name)")
    }
  }

  /// Counts neither disturb each other nor real tensors.
  @Test func countsStandAlone() async throws {
    let run = Run(configuration: Run.configuration(layers: 4, width: 128, vocabulary: 2000), tokens: 512)
    let alone = try run.estimate
    let all = try await withThrowingTaskGroup(of: StepMemory.self) { group in
      for _ in 0..<8 { group.addTask { try run.estimate } }
      return try await group.reduce(into: []) { $0.append($1) }
    }
    #expect(all == [StepMemory](repeating: alone, count: 8))
    #expect(MemoryCount.run { _ in Tensor(shape: [4, 1 << 40]).count } == 1 << 42)
  }
}
