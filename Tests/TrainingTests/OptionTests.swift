import Diagnostics
import LanguageModels
import PreciseJSON
import Tensors
import TestKit
import Testing
import TokenShards
import Training

/// Twenty steps with groups, LoRA+, clipping by value and averages against a plain PyTorch loop.
///
/// Expected values: scripts/reference/training_options.py.
@Suite struct OptionReferenceTests {
  static let names = ["lora_plus", "groups", "clip_value", "value_alone", "ema", "ema_warm"]

  @Test(arguments: names) func twentySteps(_ name: String) throws {
    let reference = try #require(try readJSON(fixture("Training/options.json"))[name])
    let model = try referenceModel(try #require(reference["model"]?.string))
    func number(_ key: String) -> Double? { reference[key]?.double }
    var settings = TrainingSettings(
      length: .steps(20), batchSize: 4, learningRate: try #require(number("rate")),
      schedule: LearningRateSchedule(.cosine, warmup: .steps(2)),
      optimizer: AdamWSettings(beta1: 0.9, beta2: 0.98), weightDecay: try #require(number("decay")),
      maxGradNorm: number("max_grad_norm"), shuffle: false, tokenBudget: 64)
    settings.maxGradValue = number("max_grad_value")
    settings.rules.loraPlusRatio = number("ratio")
    for group in reference["groups"]?.array ?? [] {
      let parts = try #require(group.array)
      let factor = try #require(parts[1].double)
      settings.rules.rules.append(
        ParameterRules.Rule(
          try #require(parts[0].string), rate: factor == 1 ? nil : GroupRate.factor(factor),
          weightDecay: parts[2].double, isFrozen: parts[3].bool ?? false))
    }
    settings.average = reference["average"].flatMap { average in
      average["decay"]?.double.map { AverageSettings(decay: $0, warmsUp: average["warmup"]?.bool ?? true) }
    }
    let loop = try TrainingLoop(
      model: model, stage: SupervisedStage(), rows: TrainingRows(fixtureRows()), settings: settings)
    try expectEqualSteps(try loop.run().metrics, reference, within: 1e-4)
    let squares = try #require(reference["squares"]?.object)
    for parameter in model.parameters where squares.keys.contains(parameter.name) {
      let found = parameter.value.values.reduce(0) { $0 + Double($1) * Double($1) }
      #expect(relativeError(found, try #require(squares[parameter.name]?.double)) < 1e-4, "\(parameter.name)")
    }
    let known = Set(model.parameters.map(\.name))
    #expect(squares.keys.allSatisfy { known.contains(String($0)) })
  }
}

@Suite("Groups of parameters")
struct ParameterGroupTests {
  private func loop(_ model: LanguageModel, _ change: (inout TrainingSettings) -> Void) throws -> TrainingLoop<
    SupervisedStage
  > {
    var settings = TrainingSettings(length: .steps(2), batchSize: 4, learningRate: 1e-2, maxGradNorm: nil)
    settings.schedule = LearningRateSchedule(.constant)
    change(&settings)
    return try TrainingLoop(
      model: model, stage: SupervisedStage(), rows: TrainingRows(fixtureRows()), settings: settings)
  }

  private func words(_ model: LanguageModel, _ change: (inout ParameterRules) -> Void) throws -> String {
    do {
      _ = try loop(model) { change(&$0.rules) }
      return ""
    } catch { return diagnostics(of: error).map { "\($0.summary) | \($0.advice ?? "")" }.joined() }
  }

  /// What stays has no gradient and keeps every bit; nothing below the lowest parameter that moves is gone through backwards.
  @Test func whatIsFrozenStays() throws {
    let model = try referenceModel("full")
    let before = trainedValues(model)
    let loop = try loop(model) {
      $0.rules.rules = [.init("embed|norm|layers\\.0", isFrozen: true), .init("mlp", rate: .factor(0.5))]
    }
    #expect(!model.trainableParameters.contains { $0.name.contains("layers.0") })
    _ = try loop.run()
    for parameter in model.parameters {
      let stays =
        parameter.name.contains("embed") || parameter.name.contains("norm")
        || parameter.name.contains("layers.0")
      #expect((parameter.value.values == before[parameter.name]) == stays, "\(parameter.name)")
      #expect(parameter.isTrainable == !stays)
    }
  }

  /// A peak of its own is a factor, and the first group that matches holds.
  @Test func ratesAreThoseOfTheFirstGroup() throws {
    func moved(_ rules: [ParameterRules.Rule], embedding: GroupRate? = nil) throws -> [String: [Float]] {
      let model = try referenceModel("full")
      _ = try loop(model) {
        $0.rules.rules = rules
        $0.rules.embeddingRate = embedding
      }.run()
      return trainedValues(model)
    }
    let factor = try moved([.init("up_proj", rate: .factor(0.25)), .init("proj", rate: .factor(4))])
    let peak = try moved([.init("up_proj", rate: .peak(0.0025)), .init("mlp|proj", rate: .peak(0.04))])
    #expect(factor == peak)
    #expect(factor != (try moved([.init("proj", rate: .factor(4)), .init("embed", rate: .factor(0.25))])))
    #expect(try moved([.init("embed", rate: .factor(0.5))]) == moved([], embedding: .peak(0.005)))
    #expect(try moved([.init("embed", rate: .factor(2))], embedding: nil) != moved([]))
  }

  @Test func whatMatchesNothingIsAnErrorWithTheNames() throws {
    let model = try adaptedModel("rslora")
    let names =
      "What is trained is called `base_model.model.model.layers.N.self_attn.q_proj.lora_A.weight`, "
      + "`base_model.model.model.layers.N.self_attn.q_proj.lora_B.weight`, "
      + "`base_model.model.model.layers.N.self_attn.v_proj.lora_A.weight`, "
      + "`base_model.model.model.layers.N.self_attn.v_proj.lora_B.weight`; N stands for the number of a layer"
    #expect(
      try words(model) { $0.rules = [.init("gate_proj", rate: .factor(2))] }
        == "`gate_proj` matches no parameter that is trained | " + names)
    #expect(
      try words(model) { $0.rules = [.init("lora", rate: .factor(2)), .init("lora_A", rate: .factor(2))] }
        == "Groups before it take all parameters that `lora_A` matches | " + names)
    #expect(try words(model) { $0.embeddingRate = .factor(2) }.hasPrefix("`embedding_learning_rate` has no effect"))
    #expect(try words(referenceModel("full")) { $0.loraPlusRatio = 16 }.hasPrefix("`lora_plus_ratio` has no effect"))
    #expect(try words(model) { $0.rules = [.init("(", rate: .factor(2))] } == "`(` is no regular expression | ")
    #expect(
      try words(adaptedModel("rslora")) { $0.rules = [.init("", isFrozen: true)] }
        == "`groups` freeze every parameter that could be trained | Leave some of them free")
  }

  /// PEFT's groups of LoRA+ by the names and shapes that its function sees.
  @Test func loraPlusGroupsAsPEFT() throws {
    let file = try readJSON(fixture("Optimizers/groups.json"))
    let run = try #require(file["runs"]?.array?.first { $0["variant"]?.string == "LoRA+" })
    for (name, expected) in run["parameters"]?.object?.members ?? [] {
      let isVector = ["magnitude", "bias", "norm"].contains { name.contains($0) }
      // The magnitudes of an embedding's columns are a vector too; DoRA's of a linear map stand in a column for PEFT.
      let parameter = Parameter(
        name: name, value: Tensor(shape: isVector ? [4] : [4, 2]), kind: name.contains("bias") ? .bias : .matrix,
        isTrainable: true)
      let other = Parameter(name: "x.lora_B", value: Tensor(shape: [2, 2]), isTrainable: true)
      var rules = ParameterRules()
      rules.loraPlusRatio = 16
      let groups = try groupRates([parameter, other], rules)
      #expect(try relativeError(#require(groups[name]) * 1e-4, #require(expected["rate"]?.double)) < 1e-12, "\(name)")
    }
  }

  /// The factor that each parameter is trained with, seen by an optimizer that does nothing else.
  private func groupRates(_ parameters: [Parameter], _ rules: ParameterRules) throws -> [String: Double] {
    Dictionary(
      uniqueKeysWithValues: try ParameterGroups(parameters, rules, learningRate: 1e-4, weightDecay: 0).groups.flatMap {
        group in group.parameters.map { ($0.name, group.rate) }
      })
  }
}

@Suite("Best weights, early stopping, averages and the watchdog")
struct HeldOutTests {
  private func loop(
    _ values: [Double], _ change: (inout TrainingSettings) -> Void
  ) throws -> (loop: TrainingLoop<SupervisedStage>, seen: Box) {
    var settings = TrainingSettings(length: .steps(9), batchSize: 4, learningRate: 1e-2, logEvery: 4)
    settings.evaluateEvery = 2
    change(&settings)
    let loop = try TrainingLoop(
      model: adaptedModel("rslora"), stage: SupervisedStage(), rows: TrainingRows(fixtureRows()), settings: settings)
    let seen = Box()
    var left = values
    loop.evaluate = { model in
      seen.weights.append(trainedValues(model))
      return [("loss", left.removeFirst()), ("accuracy", Double(seen.weights.count))]
    }
    return (loop, seen)
  }

  /// The weights that evaluations saw.
  final class Box { var weights: [[String: [Float]]] = [] }

  @Test func theBestWeightsAreTheResult() throws {
    let (loop, seen) = try self.loop([5, 3, 4, 2, 2]) { $0.keepsBest = true }
    let result = try loop.run()
    #expect(result.bestStep == 8)
    #expect(trainedValues(loop.model) == seen.weights[3])
    #expect(seen.weights[3] != seen.weights[4])
    let (other, saw) = try self.loop([1, 5, 3, 4, 2, 2]) {
      $0.keepsBest = true
      $0.evaluateFirst = true
    }
    let start = trainedValues(other.model)
    #expect(try other.run().bestStep == 0)
    #expect(trainedValues(other.model) == start)
    #expect(saw.weights[0] == start)
    let (higher, _) = try self.loop([1, 1, 1, 1, 1]) {
      $0.keepsBest = true
      $0.measure = HeldOutMeasure("accuracy", .higher)
    }
    #expect(try higher.run().bestStep == 9)
  }

  @Test func itEndsWhenNothingIsBetter() throws {
    let (loop, seen) = try self.loop([5, 3, 3, 2.9, 1]) {
      $0.earlyStopping = EarlyStopping(patience: 2, difference: 0.2)
    }
    let result = try loop.run()
    #expect(result.ending == .noBetter)
    #expect(result.steps == 8)
    #expect(result.totalSteps == 9)
    #expect(seen.weights.count == 4)
    // The steps since the last record are told, too.
    #expect(result.metrics.compactMap { $0["loss"].map { _ in 0 } }.count == 2)
    let (small, _) = try self.loop([5, 4.9, 4.8, 4.7, 4.6]) {
      $0.earlyStopping = EarlyStopping(patience: 2, difference: 0.2)
    }
    #expect(try small.run().ending == .noBetter)
    let (falling, _) = try self.loop([5, 4, 3, 2, 1]) { $0.earlyStopping = EarlyStopping(patience: 1) }
    #expect(try falling.run().ending == .length)
  }

  @Test func aMeasureThatIsNotToldIsAnError() throws {
    let (loop, _) = try self.loop([5, 4]) {
      $0.keepsBest = true
      $0.measure = HeldOutMeasure("f1", .higher)
    }
    #expect(throws: TrainingError.noSuchMeasure(name: "f1", names: ["loss", "accuracy"])) { try loop.run() }
  }

  /// Evaluations see the average, training goes on from the weights, and the result is the average.
  @Test func averagesAreEvaluatedAndGiven() throws {
    let (plain, _) = try self.loop([5, 4, 3, 2, 1]) { $0.average = nil }
    let expected = try plain.run()
    let (averaged, seen) = try self.loop([5, 4, 3, 2, 1]) { $0.average = AverageSettings(decay: 0.5, warmsUp: false) }
    let result = try averaged.run()
    #expect(
      timeless(result.metrics).map { $0["loss"]?.double } == timeless(expected.metrics).map { $0["loss"]?.double })
    #expect(trainedValues(averaged.model) == seen.weights[4])
    #expect(trainedValues(averaged.model) != trainedValues(plain.model))

    // The average after two steps is half of each: it starts with what the first step made.
    let (single, steps) = try self.loop(Array(repeating: 1, count: 9)) { $0.evaluateEvery = 1 }
    _ = try single.run()
    for (name, values) in seen.weights[0] {
      let (one, two) = (try #require(steps.weights[0][name]), try #require(steps.weights[1][name]))
      for (found, pair) in zip(values, zip(one, two)) { #expect(abs(found - (pair.0 + pair.1) / 2) < 1e-6) }
    }
  }

  @Test func aLossThatRunsAwayIsNoticed() throws {
    func losses(_ action: LossWatchdog.Action) throws -> (TrainingLoop<SupervisedStage>, () -> [Int]) {
      let model = try referenceModel("full")
      var settings = TrainingSettings(length: .steps(14), batchSize: 4, learningRate: 1e-5)
      settings.watchdog = LossWatchdog(factor: 1.5, steps: 2, action: action)
      let loop = try TrainingLoop(
        model: model, stage: SupervisedStage(), rows: TrainingRows(fixtureRows()), settings: settings)
      var told: [Int] = []
      loop.onEvent = { event in
        if case .progressed(let progress) = event, progress.step == 10 {
          // Logits fifty times as large are wrong with certainty.
          for parameter in model.trainableParameters where parameter.name == "model.norm.weight" {
            for index in 0..<parameter.value.count { parameter.value.pointer[index] *= 50 }
          }
        }
        if case .lossGrew(let step, _, _) = event { told.append(step) }
      }
      return (loop, { told })
    }
    let (warned, told) = try losses(.warn)
    _ = try warned.run()
    #expect(told() == [12])
    let (stopped, _) = try losses(.stop)
    do {
      _ = try stopped.run()
      Issue.record("not stopped")
    } catch TrainingError.lossGrew(let step, let steps, _, let usual, let factor) {
      #expect(step == 12)
      #expect(steps == 2)
      #expect(factor == 1.5)
      #expect(usual > 0)
    }
  }

  @Test func theClockEndsATraining() throws {
    let rows = try fixtureRows()
    func run(_ folder: CheckpointFolder?, stop: Int?) throws -> TrainingResult {
      var settings = TrainingSettings(length: .steps(40), batchSize: 4, learningRate: 1e-3, logEvery: 3)
      settings.maxSeconds = 8
      let loop = try TrainingLoop(
        model: adaptedModel("rslora"), stage: SupervisedStage(), rows: TrainingRows(rows), settings: settings,
        checkpoints: folder)
      var time = 0.0
      loop.clock = {
        time += 0.5
        return time
      }
      var steps = 0
      loop.shouldStop = {
        steps += 1
        return steps == stop
      }
      return try loop.run()
    }
    let result = try run(nil, stop: nil)
    #expect(result.ending == .time)
    // Three looks at the clock a step: a second and a half.
    #expect(result.steps == 6)
    #expect(result.totalSteps == 40)
    #expect(result.metrics.compactMap { $0["step"]?.int } == [3, 6])
    let folder = try TemporaryFolder()
    #expect(throws: TrainingInterrupted.self) { try run(CheckpointFolder(path: folder.path), stop: 4) }
    #expect(try run(CheckpointFolder(path: folder.path), stop: nil).steps == 6)
  }
}
