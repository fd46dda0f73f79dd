import Diagnostics
import LanguageModels
import PreciseJSON
import Tensors
import TestKit
import Testing
import TokenShards
import Training

@Suite("The training loop")
struct LoopTests {
  func loop(
    _ rows: [TokenRow]? = nil, model: LanguageModel? = nil, change: (inout TrainingSettings) -> Void = { _ in }
  ) throws -> TrainingLoop<SupervisedStage> {
    var settings = TrainingSettings(length: .epochs(1), batchSize: 4, learningRate: 1e-3)
    change(&settings)
    return try TrainingLoop(
      model: model ?? adaptedModel("rslora"), stage: SupervisedStage(),
      rows: TrainingRows(rows ?? fixtureRows()), settings: settings)
  }

  @Test func recordsAndEventsTellWhatWasDone() throws {
    let loop = try loop {
      $0.length = .epochs(2)
      $0.logEvery = 3
      $0.evaluateEvery = 4
    }
    let rows = try fixtureRows()
    var time = 0.0
    loop.clock = {
      time += 0.5
      return time
    }
    loop.evaluate = { model in
      let found = try StageEvaluation(SupervisedStage(), model: model).run(TrainingRows(rows))
      return [("loss", found.loss)]
    }
    var steps: [Int] = []
    var left: [Double] = []
    loop.onEvent = { event in
      if case .progressed(let progress) = event {
        steps.append(progress.step)
        left.append(progress.secondsLeft)
      }
    }
    let result = try loop.run()
    #expect(steps == Array(1...8))
    #expect(left == (0..<8).reversed().map { Double($0) * 0.5 })
    #expect(result.steps == 8)
    #expect(result.seconds == 4)
    let tokens = rows.reduce(0) { $0 + $1.tokenCount }
    #expect(result.tokens == 2 * tokens)
    #expect(result.labelTokens == 2 * rows.reduce(0) { $0 + $1.labelCount })
    #expect(result.metrics.compactMap { $0["step"]?.int } == [3, 4, 6, 8, 8])
    let records = result.metrics.filter { $0["loss"] != nil }
    #expect(records.compactMap { $0["epoch"]?.double } == [0.75, 1.5, 2])
    #expect(records.compactMap { $0["tokens"]?.int }.reduce(0, +) == 2 * tokens)
    let first = try #require(records.first?.object)
    #expect(
      first.keys == [
        "step", "epoch", "loss", "grad_norm", "learning_rate", "tokens", "label_tokens", "tokens_per_second",
        "accuracy",
      ])
    #expect(first["tokens_per_second"]?.double == Double(try #require(first["tokens"]?.int)) / 1.5)
    let held = result.metrics.compactMap { $0["eval_loss"]?.double }
    #expect(held.count == 2)
    #expect(held[1] < held[0])
  }

  @Test func aRecordHoldsTheMeanOfItsSteps() throws {
    let each = try loop().run().metrics.compactMap { $0["loss"]?.double }
    let both = try loop { $0.logEvery = 2 }.run().metrics.compactMap { $0["loss"]?.double }
    #expect(both == [(each[0] + each[1]) / 2, (each[2] + each[3]) / 2])
  }

  @Test func rowsWithoutLabelsAreAnErrorThatNamesThem() throws {
    let row = TokenRow([TokenSequence(ids: [1, 2, 3], lossMask: [true, false, false])])
    do {
      _ = try loop([row, row], change: { $0.shuffle = false }).run()
      Issue.record("no error")
    } catch {
      #expect(diagnostics(of: error)[0].summary == "No token of step 1 is a label: rows [0, 1]")
    }
    #expect(throws: TrainingError.noRows) { try loop([]) }
  }

  @Test func aLossThatIsNoNumberIsAnErrorThatNamesTheStep() throws {
    let model = try adaptedModel("rslora")
    let loop = try loop(model: model) {
      $0.shuffle = false
      $0.batchSize = 2
    }
    loop.onEvent = { event in
      if case .progressed(let progress) = event, progress.step == 2 {
        model.trainableParameters[0].value.pointer[0] = .nan
      }
    }
    #expect(throws: TrainingError.lossNotFinite(step: 3, rows: [4, 5])) { try loop.run() }
    let error = TrainingError.lossNotFinite(step: 3, rows: [4, 5])
    #expect(error.diagnostics[0].summary == "The loss of step 3 is not a finite number: rows [4, 5]")
  }

  @Test func aGradientThatIsNoNumberIsAnError() throws {
    let model = try adaptedModel("rslora")
    // 0 · ∞ in the backward pass only: A is zero, so that an infinite B adds nothing going forward... but NaN; a huge one
    // overflows going back.
    for parameter in model.trainableParameters where parameter.name.hasSuffix("lora_B.weight") {
      for index in 0..<parameter.value.count { parameter.value.pointer[index] = 3e38 }
    }
    for parameter in model.trainableParameters where parameter.name.hasSuffix("lora_A.weight") {
      for index in 0..<parameter.value.count { parameter.value.pointer[index] = 0 }
    }
    #expect(throws: TrainingError.gradientNotFinite(step: 1, rows: [0, 1, 2, 3])) {
      try loop(model: model) { $0.shuffle = false }.run()
    }
  }

  @Test func aModelWithNothingToTrainIsAnError() throws {
    #expect(throws: TrainingError.nothingTrainable) { try loop(model: TinyLlama("gqa").model()) }
  }

  @Test func settingsThatMakeNoSenseAreErrors() throws {
    #expect(throws: TrainingError.setting(name: "batch_size", found: "0", wanted: "a number above 0")) {
      try loop { $0.batchSize = 0 }
    }
    #expect(throws: TrainingError.self) { try loop { $0.length = .epochs(0) } }
    #expect(throws: TrainingError.self) { try loop { $0.learningRate = -.infinity } }
    #expect(throws: TrainingError.self) { try loop { $0.schedule.warmup = .ratio(1.5) } }
    #expect(throws: TrainingError.self) { try loop { $0.optimizer = AdamWSettings(beta1: 0.9, beta2: 1) } }
    #expect(throws: TrainingError.self) { try loop { $0.maxGradNorm = 0 } }
    #expect(
      TrainingError.setting(name: "batch_size", found: "0", wanted: "a number above 0").diagnostics[0].summary
        == "`batch_size` is 0, not a number above 0")
  }
}
