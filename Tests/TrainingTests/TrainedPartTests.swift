import Diagnostics
import LanguageModels
import PreciseJSON
import TensorFiles
import Tensors
import TestKit
import Testing
import TokenShards
import Training

@Suite("Parts of a model that are trained")
struct TrainedPartTests {
  /// A model with four blocks.
  static let configuration = DecoderShape(
    hiddenSize: 32, layerCount: 4, queryHeads: 4, keyValueHeads: 2, headDimension: 8, feedForwardSize: 48,
    vocabularySize: 61, maximumPositions: 128, normEpsilon: 1e-5,
    rotary: RotaryConfiguration(base: 10_000, dimension: 8), tiesHead: true
  ).configuration(Llama.self)

  private func selection(
    _ parts: some TrainedParts, newBlocks: [Int] = [], ratio: (String) -> Double = { _ in 0 }
  ) throws -> [String] {
    try withoutActuallyEscaping(ratio) { ratio in
      let known = KnownModel(Self.configuration, newBlocks: newBlocks) { ratio($0.name) }
      let names = try parts.selection(of: known).names
      return Self.configuration.tensors.map(\.name).filter(names.contains)
    }
  }

  private func made<Parts: TrainedParts>(_ type: Parts.Type = Parts.self, _ change: (inout Parts) -> Void) -> Parts {
    var parts = Parts()
    change(&parts)
    return parts
  }

  private func words(_ parts: some TrainedParts) -> String {
    do {
      _ = try selection(parts)
      return ""
    } catch {
      return diagnostics(of: error).map {
        [$0.path, $0.summary, $0.reason, $0.advice].compactMap { $0 }.joined(separator: " | ")
      }
      .joined()
    }
  }

  @Test func blocksAtOneEnd() throws {
    let last = try selection(BlockParts())
    #expect(last.count == 18)
    #expect(last.allSatisfy { $0.hasPrefix("model.layers.2.") || $0.hasPrefix("model.layers.3.") })
    let some = try selection(
      made(BlockParts.self) {
        $0.first = 1
        $0.modules = ["mlp", "self_attn.q_proj"]
        $0.extra = ["norm", "embed_tokens"]
      })
    #expect(
      some == [
        "model.embed_tokens.weight", "model.layers.0.self_attn.q_proj.weight", "model.layers.0.mlp.gate_proj.weight",
        "model.layers.0.mlp.up_proj.weight", "model.layers.0.mlp.down_proj.weight", "model.norm.weight",
      ])
  }

  @Test func namesAndShares() throws {
    let named = try selection(made(NamedParts.self) { $0.patterns = ["layers\\.[13]\\..*norm", "embed"] })
    #expect(named.count == 5)
    #expect(named[0] == "model.embed_tokens.weight")
    let share = try selection(made(ShareParts.self) { $0.frozen = 0.5 })
    let sizes = Self.configuration.tensorsByName
    let count = share.reduce(0) { $0 + (sizes[$1]?.shape.reduce(1, *) ?? 0) }
    #expect(share == Array(Self.configuration.tensors.map(\.name).suffix(share.count)))
    #expect(Double(count) >= 0.5 * Double(Self.configuration.parameterCount))
    #expect(
      Double(count - (sizes[share[0]]?.shape.reduce(1, *) ?? 0)) < 0.5 * Double(Self.configuration.parameterCount))
  }

  @Test func newBlocks() throws {
    let known = try selection(NewBlockParts(), newBlocks: [1, 3])
    #expect(known == (try selection(made(NewBlockParts.self) { $0.inserted = 2 })))
    #expect(known.count == 18)
    #expect(known.allSatisfy { $0.hasPrefix("model.layers.1.") || $0.hasPrefix("model.layers.3.") })
  }

  /// The better half of each kind; of equals the first.
  @Test func spectrum() throws {
    let ratios = ["model.layers.3.mlp.up_proj.weight": 2.0, "model.layers.1.mlp.up_proj.weight": .infinity]
    let chosen = try selection(made(SpectrumParts.self) { $0.trainsEnds = false }) { ratios[$0] ?? 1 }
    #expect(chosen.count == 14)
    #expect(chosen.filter { $0.contains("up_proj") }.map { $0.split(separator: ".")[2] } == ["1", "3"])
    #expect(chosen.filter { $0.contains("o_proj") }.map { $0.split(separator: ".")[2] } == ["0", "1"])
    #expect(try selection(SpectrumParts()) == ["model.embed_tokens.weight"] + chosenByOrder())
    #expect(try selection(made(SpectrumParts.self) { $0.percent = 49 }).count == 8)
  }

  private func chosenByOrder() -> [String] {
    Self.configuration.tensors.map(\.name).filter {
      ($0.contains("layers.0.") || $0.contains("layers.1.")) && $0.contains("_proj")
    }
  }

  @Test(arguments: [
    (
      "last", "trainable.last | `last` is 5, but the model has 4 blocks | say a number below 4"
    ), ("modules", "trainable.modules | `modules` names `mpl`, which is no module of the model | Did you mean `mlp`?"),
    (
      "extra",
      "trainable.extra_modules | `extra_modules` names `head`, which is no module of the model | "
        + "there are `embed_tokens`, `norm`"
    ), ("pattern", "trainable.match | `(` is no regular expression"),
    (
      "match",
      "trainable.match | `experts` is found in the name of no tensor | there are `model.embed_tokens.weight`, "
        + "`model.layers.N.input_layernorm.weight`, `model.layers.N.post_attention_layernorm.weight`, "
        + "`model.layers.N.self_attn.q_proj.weight`, `model.layers.N.self_attn.k_proj.weight`, "
        + "`model.layers.N.self_attn.v_proj.weight`, `model.layers.N.self_attn.o_proj.weight`, "
        + "`model.layers.N.mlp.gate_proj.weight`, `model.layers.N.mlp.up_proj.weight`, "
        + "`model.layers.N.mlp.down_proj.weight`, `model.norm.weight`; N stands for the number of a block"
    ),
    ("all", "trainable | `trainable` has no effect: all of the model would be trained | leave it out, or take in less"),
    ("none", "trainable | `trainable` leaves nothing to train | take in more of the model"),
    (
      "new",
      "trainable.inserted | The model has no new blocks | none were inserted by a node of type `expand_model` "
        + "before | put one before, or say with `inserted` how many another program inserted"
    ),
    (
      "uneven",
      "trainable.inserted | 3 inserted blocks do not lie at equal distances among 4 | LLaMA-Pro inserts one "
        + "after each stretch of the same length | say a number that divides 4"
    ), ("lisa", "trainable.active | `active` is 4, but the model has 4 blocks | say a number below 4"),
  ])
  func whatIsRefused(kind: String, text: String) throws {
    let parts: any TrainedParts =
      switch kind {
      case "last": made(BlockParts.self) { $0.last = 5 }
      case "modules": made(BlockParts.self) { $0.modules = ["mpl"] }
      case "extra": made(BlockParts.self) { $0.extra = ["head"] }
      case "pattern": made(NamedParts.self) { $0.patterns = ["("] }
      case "match": made(NamedParts.self) { $0.patterns = ["experts"] }
      case "all": made(NamedParts.self) { $0.patterns = [""] }
      case "none":
        made(SpectrumParts.self) {
          $0.percent = 1
          $0.trainsEnds = false
        }
      case "new": NewBlockParts()
      case "uneven": made(NewBlockParts.self) { $0.inserted = 3 }
      default: made(DrawnBlockParts.self) { $0.count = 4 }
      }
    #expect(words(parts) == text)
  }

  /// The numbers of the authors' program.
  ///
  /// Expected values: scripts/reference/peft_methods/spectrum.py.
  @Test func signalAndNoiseAsTheAuthors() throws {
    let file = try readJSON(fixture("PEFTMethods/spectrum.json"))
    let base = try readJSON(fixture("PEFTMethods/bases/untied.json"))
    let weights = try FormulaWeights(base)
    let pool = ThreadPool(threads: 2)
    var ratios: [String: Double] = [:]
    for (_, maps) in file["kinds"]?.object?.members ?? [] {
      for (module, expected) in maps.object?.members ?? [] {
        let name = module + ".weight"
        let found = SignalToNoise(
          of: try weights.tensor(named: name, shape: try #require(weights.shape(name))), pool: pool)
        for (value, key) in [(found.bound, "bound"), (found.largest, "largest"), (found.ratio, "ratio")] {
          #expect(relativeError(value, try #require(expected[key]?.double)) < 1e-5, "\(module) \(key)")
        }
        #expect(found.above == expected["above"]?.int)
        ratios[name] = found.ratio
      }
    }
    #expect(ratios.count == 14)
    let config = try #require(base["config"])
    var parts = SpectrumParts()
    parts.trainsEnds = false
    let known = KnownModel(try ModelConfiguration(huggingFace: config)) { ratios[$0.name] ?? 0 }
    let chosen = try parts.selection(of: known).names
    let expected = try #require(file["chosen"]?.array).compactMap(\.string).map { $0 + ".weight" }
    #expect(chosen == Set(expected))
  }

  @Test func eigenvaluesOfKnownMatrices() {
    // Singular values 3, 2 and 0 turned by nothing, then those of a matrix of ones.
    let pool = ThreadPool(threads: 1)
    let diagonal = SignalToNoise(of: Tensor(shape: [3, 2], values: [3, 0, 0, 2, 0, 0]), pool: pool)
    #expect(abs(diagonal.largest - 3) < 1e-12)
    let ones = SignalToNoise(of: Tensor(shape: [4, 9], values: [Float](repeating: 1, count: 36)), pool: pool)
    #expect(abs(ones.largest - 6) < 1e-12)
    #expect(ones.above >= 1)
    let vector = SignalToNoise(of: Tensor(shape: [1, 5], values: [1, 2, 2, 4, 0]), pool: pool)
    #expect(abs(vector.largest - 5) < 1e-12)
    #expect(vector.ratio == .infinity)
  }
}

@Suite("What is left out is not trained")
struct TrainedPartLoopTests {
  private func loop(
    _ names: Set<String>?, frozen: String? = nil, draw: BlockDraw? = nil, folder: CheckpointFolder? = nil
  ) throws -> TrainingLoop<SupervisedStage> {
    let model = try TinyLlama("gqa").model(trains: { names?.contains($0) ?? true })
    var settings = TrainingSettings(length: .steps(9), batchSize: 4, learningRate: 1e-2, logEvery: 3)
    settings.rules.rules = frozen.map { [.init($0, isFrozen: true)] } ?? []
    settings.draw = draw
    return try TrainingLoop(
      model: model, stage: SupervisedStage(), rows: TrainingRows(fixtureRows()), settings: settings,
      checkpoints: folder)
  }

  private func names(_ parts: some TrainedParts) throws -> Set<String> {
    try parts.selection(of: KnownModel(TinyLlama("gqa").configuration) { _ in 0 }).names
  }

  /// The same bits as with a group that freezes the others, whose numbers are PyTorch's.
  @Test func frozenIsFrozen() throws {
    var parts = BlockParts()
    (parts.last, parts.extra) = (1, ["norm"])
    let part = try loop(names(parts))
    #expect(part.model.trainableParameters.count == 10)
    #expect(!part.model.parameters.contains { $0.name.contains("layers.0") && $0.name.contains("proj") })
    _ = try part.run()
    let group = try loop(nil, frozen: "embed|layers\\.0|lm_head")
    _ = try group.run()
    #expect(trainedValues(part.model) == trainedValues(group.model))
  }

  /// Blocks that are not drawn keep every bit, and what a whole training does a resumed one does.
  @Test func drawnBlocksGoOnAsNeverStopped() throws {
    let draw = BlockDraw(count: 1, interval: 2)
    let whole = try loop(nil, draw: draw)
    let start = trainedValues(whole.model)
    var turns: [Int: [String: [Float]]] = [0: start]
    whole.onEvent = { event in
      guard case .progressed(let progress) = event else { return }
      turns[progress.step] = Dictionary(
        uniqueKeysWithValues: whole.model.parameters.map { ($0.name, $0.value.values) })
    }
    let expected = try whole.run()
    var drawn: [Int] = []
    for step in 1...9 {
      let moved = Set(
        (turns[step] ?? [:]).filter { $0.value != turns[step - 1]?[$0.key] }.keys.compactMap {
          $0.split(separator: ".").lazy.compactMap { Int($0) }.first
        })
      #expect(moved.count == 1, "step \(step)")
      drawn += moved
      #expect(turns[step]?["model.embed_tokens.weight"] != turns[step - 1]?["model.embed_tokens.weight"])
    }
    #expect(Set(drawn) == [0, 1])
    #expect(stride(from: 0, to: 8, by: 2).allSatisfy { drawn[$0] == drawn[$0 + 1] })

    for stop in [1, 2, 3, 6, 7] {
      let folder = try TemporaryFolder()
      let first = try loop(nil, draw: draw, folder: CheckpointFolder(path: folder.path))
      var steps = 0
      first.shouldStop = {
        steps += 1
        return steps == stop
      }
      #expect(throws: TrainingInterrupted.self) { try first.run() }
      let second = try loop(nil, draw: draw, folder: CheckpointFolder(path: folder.path))
      let result = try second.run()
      #expect(trainedValues(second.model) == trainedValues(whole.model))
      #expect(timeless(result.metrics) == timeless(expected.metrics))
    }
  }

  /// Twenty steps of a plain PyTorch loop with the same draws.
  ///
  /// Expected values: scripts/reference/training_options.py.
  @Test func drawnBlocksAsPyTorch() throws {
    let reference = try #require(try readJSON(fixture("Training/options.json"))["lisa"])
    let model = try referenceModel("full")
    var settings = TrainingSettings(
      length: .steps(20), batchSize: 4, learningRate: try #require(reference["rate"]?.double),
      schedule: LearningRateSchedule(.cosine, warmup: .steps(2)),
      optimizer: AdamWSettings(beta1: 0.9, beta2: 0.98), weightDecay: try #require(reference["decay"]?.double),
      maxGradNorm: try #require(reference["max_grad_norm"]?.double), shuffle: false, tokenBudget: 64)
    settings.draw = BlockDraw(count: 1, interval: try #require(reference["interval"]?.int))
    let loop = try TrainingLoop(
      model: model, stage: SupervisedStage(), rows: TrainingRows(fixtureRows()), settings: settings)
    var drawn: [Int] = []
    loop.onEvent = { event in
      guard case .progressed = event else { return }
      drawn += model.trainableParameters.compactMap { $0.name.split(separator: ".").lazy.compactMap { Int($0) }.first }
        .prefix(1)
    }
    let result = try loop.run()
    #expect(drawn == reference["drawn"]?.array?.compactMap(\.int))
    try expectEqualSteps(result.metrics, reference, within: 1e-4)
  }

  /// Gradients and moments are those of what is trained, of a part or of the drawn blocks.
  @Test func memoryIsThatOfTheParts() throws {
    let run = StepMemoryTests.Run(
      configuration: StepMemoryTests.Run.configuration(layers: 6, width: 128, vocabulary: 500), tokens: 128)
    func memory(_ draw: BlockDraw?, _ trains: @escaping (String) -> Bool = { _ in true }) throws -> StepMemory {
      var settings = run.settings
      settings.draw = draw
      return try StepMemory.counted(
        run.configuration, .f32, adapter: nil, trains: trains, settings: settings, stage: SupervisedStage(),
        rows: [run.row], recomputations: [.none], threads: 2)[0]
    }
    func bytes(_ trains: (TensorSpecification) -> Bool) -> Double {
      run.configuration.tensors.filter(trains).reduce(0.0) { $0 + 12 * Double($1.shape.reduce(1, *)) }
    }
    let all = try memory(nil)
    #expect(abs(Double(all.optimizer) / bytes { _ in true } - 1) < 0.02)
    let part = try memory(nil) { $0.contains("layers.5.") }
    #expect(abs(Double(part.optimizer) / bytes { $0.name.contains("layers.5.") } - 1) < 0.02)
    #expect(Double(part.activations) < 0.6 * Double(all.activations))
    let drawn = try memory(BlockDraw(count: 2, interval: 20))
    let two = bytes { !$0.name.contains("layers.") || $0.name.contains("layers.0.") || $0.name.contains("layers.1.") }
    #expect(abs(Double(drawn.optimizer) / two - 1) < 0.05, "\(drawn.optimizer) \(two)")
  }
}
