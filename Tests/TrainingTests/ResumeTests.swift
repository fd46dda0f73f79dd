import Foundation
import LanguageModels
import PreciseJSON
import TensorFiles
import Tensors
import TestKit
import Testing
import TokenShards
import Training

@Suite("A training that was stopped and resumed ends in the same bits")
struct ResumeTests {
  /// A training of nine steps over shuffled rows with dropout, three steps a record.
  func loop(
    _ kind: String, _ folder: CheckpointFolder?, change: (inout TrainingSettings) -> Void = { _ in }
  ) throws -> TrainingLoop<SupervisedStage> {
    let model = try methodModel(kind) ?? (kind == "full" ? referenceModel("full") : adaptedModel(kind, dropout: 0.2))
    let reference = ["full", "rslora"].contains(kind) ? kind : "adapter"
    var settings = try settings(of: readJSON(fixture("Training/\(reference).json")))
    settings.shuffle = true
    settings.length = .steps(9)
    settings.logEvery = 3
    change(&settings)
    return try TrainingLoop(
      model: model, stage: SupervisedStage(), rows: TrainingRows(fixtureRows()), settings: settings,
      checkpoints: folder)
  }

  @Test(arguments: ["full", "adapter"] + methods.map(\.name))
  func afterEachStep(kind: String) throws {
    let uninterrupted = try loop(kind, nil)
    let expected = try uninterrupted.run()
    for stop in [1, 3, 4, 8] {
      let folder = try TemporaryFolder()
      let first = try loop(kind, CheckpointFolder(path: folder.path))
      var steps = 0
      first.shouldStop = {
        steps += 1
        return steps == stop
      }
      do {
        _ = try first.run()
        Issue.record("not interrupted")
      } catch let interrupted as TrainingInterrupted {
        #expect(interrupted.step == stop)
        #expect(interrupted.totalSteps == 9)
        #expect(interrupted.checkpoint == CheckpointFolder(path: folder.path).file(step: stop))
      }
      let second = try loop(kind, CheckpointFolder(path: folder.path))
      var started: Int?
      second.onEvent = { event in
        if case .started(let step, 9) = event { started = step }
      }
      let result = try second.run()
      #expect(started == stop)
      #expect(trainedValues(second.model) == trainedValues(uninterrupted.model))
      #expect(timeless(result.metrics) == timeless(expected.metrics))
      #expect(result.tokens == expected.tokens)
      #expect(result.labelTokens == expected.labelTokens)
      #expect(result.watch == expected.watch)
    }
  }

  /// A step with one label computes the last block's second half and the head for a single row, which other steps do not: it
  /// must not matter what was packed before.
  @Test func stepsWithASingleLabel() throws {
    let rows = try fixtureRows().enumerated().map { index, row in
      var sequence = row.sequences[0]
      if index % 3 != 0 {
        sequence.lossMask = sequence.lossMask.indices.map { $0 == sequence.lossMask.count - 1 }
      }
      return TokenRow([sequence])
    }
    func loop(_ folder: CheckpointFolder?) throws -> TrainingLoop<SupervisedStage> {
      let model = try TinyLlama("gqa").model(packsSingleRows: true)
      try model.attach(
        AdapterConfiguration(rank: 4), from: StoredWeights(fixture("Training/adapter/adapter_model.safetensors")))
      let settings = TrainingSettings(length: .steps(8), batchSize: 1, learningRate: 1e-2, shuffle: false)
      return try TrainingLoop(
        model: model, stage: SupervisedStage(), rows: TrainingRows(rows), settings: settings, checkpoints: folder)
    }
    let whole = try loop(nil)
    _ = try whole.run()
    for stop in 1..<8 {
      let folder = try TemporaryFolder()
      let first = try loop(CheckpointFolder(path: folder.path))
      var steps = 0
      first.shouldStop = {
        steps += 1
        return steps == stop
      }
      #expect(throws: TrainingInterrupted.self) { try first.run() }
      let second = try loop(CheckpointFolder(path: folder.path))
      _ = try second.run()
      #expect(trainedValues(second.model) == trainedValues(whole.model), "stopped after \(stop)")
    }
  }

  /// An optimizer that does in nine steps what it does.
  private func optimizer(_ name: String) throws -> any OptimizerSettings {
    let kind = try #require(optimizerKinds.first { $0.name == name })
    switch kind.init() {
    case var galore as GaLoreSettings:
      (galore.rank, galore.interval) = (4, 3)
      return galore
    case var apollo as APOLLOSettings:
      (apollo.rank, apollo.interval) = (4, 3)
      return apollo
    case var badam as BAdamSettings:
      badam.interval = 2
      return badam
    case var sgd as SGDSettings:
      sgd.momentum = 0.9
      return sgd
    case let other: return other
    }
  }

  /// With every optimizer, and a schedule that goes by what evaluations find.
  @Test(arguments: optimizerKinds.map { $0.name })
  func withEveryOptimizer(name: String) throws {
    var plateau = PlateauSchedule()
    (plateau.patience, plateau.factor) = (0, 0.5)
    let settings = try optimizer(name)
    func loop(_ folder: CheckpointFolder?) throws -> TrainingLoop<SupervisedStage> {
      let made = try self.loop("full", folder) {
        $0.optimizer = settings
        $0.weightDecay = 0.1
        $0.evaluateEvery = 2
        $0.schedule = LearningRateSchedule(plateau)
      }
      // After the first no evaluation finds a better loss.
      made.evaluate = { model in
        let sum = model.trainableParameters.reduce(0) { $0 + Double($1.value.values[0]) }
        return [("loss", 1), ("sum", sum)]
      }
      return made
    }
    let uninterrupted = try loop(nil)
    let expected = try uninterrupted.run()
    for stop in [2, 5] {
      let folder = try TemporaryFolder()
      let first = try loop(CheckpointFolder(path: folder.path))
      var steps = 0
      first.shouldStop = {
        steps += 1
        return steps == stop
      }
      #expect(throws: TrainingInterrupted.self) { try first.run() }
      let second = try loop(CheckpointFolder(path: folder.path))
      let result = try second.run()
      #expect(trainedValues(second.model) == trainedValues(uninterrupted.model))
      #expect(timeless(result.metrics) == timeless(expected.metrics))
    }
    let rates = expected.metrics.compactMap { $0["learning_rate"]?.double }
    #expect(rates.last.map { $0 < (rates.first ?? 0) } == true)
  }

  /// With all that a training may do beside its steps, each part with a number of threads of its own.
  @Test(arguments: [false, true]) func withEveryOption(full: Bool) throws {
    func loop(_ folder: CheckpointFolder?, threads: Int) throws -> TrainingLoop<SupervisedStage> {
      var settings = TrainingSettings(length: .steps(11), batchSize: 4, learningRate: 1e-2, weightDecay: 0.1)
      settings.batchTokens = 60
      settings.rules.rules =
        full
        ? [.init("layers\\.0.*norm", isFrozen: true), .init("mlp", rate: .factor(0.5), weightDecay: 0.2)]
        : [.init("layers\\.0.*lora_A", isFrozen: true)]
      if full { settings.rules.embeddingRate = .peak(1e-3) } else { settings.rules.loraPlusRatio = 4 }
      settings.maxGradValue = 0.02
      settings.evaluateEvery = 2
      settings.evaluateFirst = true
      settings.earlyStopping = EarlyStopping(patience: 3)
      settings.keepsBest = true
      settings.average = AverageSettings(decay: 0.8)
      settings.watchdog = LossWatchdog(factor: 1.5, steps: 3, action: .warn)
      settings.logEvery = 3
      let made = try TrainingLoop(
        model: full
          ? referenceModel("full", threads: threads) : adaptedModel("adapter", threads: threads, dropout: 0.2),
        stage: SupervisedStage(), rows: TrainingRows(fixtureRows()), settings: settings, checkpoints: folder)
      // Best after step 4, over after step 10.
      var seen = 0
      made.onEvent = { event in
        if case .started(let step, _) = event { seen = step == 0 ? 0 : step / 2 + 1 }
      }
      made.evaluate = { model in
        seen += 1
        let sum = model.trainableParameters.reduce(0) { $0 + Double($1.value.values[0]) }
        return [("loss", abs(Double(seen) - 3)), ("sum", sum)]
      }
      return made
    }
    let whole = try loop(nil, threads: 1)
    let expected = try whole.run()
    #expect(expected.bestStep == 4)
    #expect(expected.ending == .noBetter)
    #expect(expected.steps == 10)
    for stops in [[1], [3, 2], [4, 5], [6], [9]] {
      let folder = try TemporaryFolder()
      for (index, stop) in stops.enumerated() {
        let part = try loop(CheckpointFolder(path: folder.path), threads: 1 + index)
        var steps = 0
        part.shouldStop = {
          steps += 1
          return steps == stop
        }
        #expect(throws: TrainingInterrupted.self) { try part.run() }
      }
      let last = try loop(CheckpointFolder(path: folder.path), threads: 3)
      let result = try last.run()
      #expect(trainedValues(last.model) == trainedValues(whole.model))
      #expect(timeless(result.metrics) == timeless(expected.metrics))
      #expect(result.bestStep == 4)
      #expect(result.steps == 10)
    }
  }

  @Test func asManyAreKeptAsAskedFor() throws {
    let folder = try TemporaryFolder()
    let checkpoints = CheckpointFolder(path: folder.path, kept: 3)
    let loop = try loop("rslora", checkpoints) { $0.saveEvery = 2 }
    var steps = 0
    // One more is saved when somebody asks for it.
    loop.shouldSave = {
      steps += 1
      return steps == 7
    }
    _ = try loop.run()
    #expect(try checkpoints.steps() == [8, 7, 6])
  }

  @Test func theNewestTwoAreKept() throws {
    let folder = try TemporaryFolder()
    let checkpoints = CheckpointFolder(path: folder.path)
    _ = try loop("rslora", checkpoints) { $0.saveEvery = 2 }.run()
    #expect(try checkpoints.steps() == [8, 6])
    #expect(try FileManager.default.contentsOfDirectory(atPath: folder.path).count == 2)
  }

  /// The step from which a loop starts that finds these checkpoints, and whether it ends where it should.
  func resumes(at folder: TemporaryFolder, _ change: (inout TrainingSettings) -> Void = { _ in }) throws -> Int? {
    let second = try loop("rslora", CheckpointFolder(path: folder.path)) {
      $0.saveEvery = 2
      change(&$0)
    }
    var started: Int?
    second.onEvent = { event in
      if case .started(let step, _) = event { started = step }
    }
    _ = try second.run()
    let whole = try loop("rslora", nil) {
      $0.saveEvery = 2
      change(&$0)
    }
    _ = try whole.run()
    #expect(trainedValues(second.model) == trainedValues(whole.model))
    return started
  }

  @Test func aDamagedCheckpointIsPassedOver() throws {
    let whole = try TemporaryFolder()
    _ = try loop("rslora", CheckpointFolder(path: whole.path)) { $0.saveEvery = 2 }.run()
    let bytes = try Data(contentsOf: URL(fileURLWithPath: CheckpointFolder(path: whole.path).file(step: 8)))
    #expect(try resumes(at: whole) == 8)
    // A flipped bit in the header, the state, a parameter, the last moment; a missing end.
    var damaged: [Data] = [20, 900, bytes.count / 2, bytes.count - 1].map { offset in
      var copy = bytes
      copy[offset] ^= 4
      return copy
    }
    damaged.append(bytes.dropLast(100))
    damaged.append(Data())
    for data in damaged {
      let folder = try TemporaryFolder()
      let checkpoints = CheckpointFolder(path: folder.path)
      try data.write(to: URL(fileURLWithPath: checkpoints.file(step: 8)))
      try FileManager.default.copyItem(
        atPath: CheckpointFolder(path: whole.path).file(step: 6), toPath: checkpoints.file(step: 6))
      #expect(try resumes(at: folder) == 6)
    }
  }

  @Test func aCheckpointOfAnotherTrainingIsNotTaken() throws {
    let folder = try TemporaryFolder()
    _ = try loop("rslora", CheckpointFolder(path: folder.path)) { $0.saveEvery = 2 }.run()
    #expect(try resumes(at: folder) { $0.learningRate *= 2 } == 0)
  }

  @Test func aFolderThatCannotBeWrittenIsAnError() throws {
    let first = try loop("rslora", CheckpointFolder(path: "/nowhere/at/all")) { $0.saveEvery = 2 }
    #expect(throws: FileError.self) { try first.run() }
  }

  @Test func withoutAFolderStoppingJustStops() throws {
    let first = try loop("rslora", nil)
    first.shouldStop = { true }
    #expect(throws: TrainingInterrupted(step: 1, totalSteps: 9, checkpoint: nil)) { try first.run() }
  }
}
