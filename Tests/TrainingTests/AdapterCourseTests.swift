import LanguageModels
import PreciseJSON
import Tensors
import TestKit
import Testing
import TokenShards
import Training

/// Methods of adapters that act after each step: AdaLoRA.
@Suite("What an adapter does while it is trained goes on after a stop")
struct AdapterCourseTests {
  private func loop(
    _ folder: CheckpointFolder?, threads: Int = 1, steps: Int = 9, averages: Bool = false
  ) throws -> TrainingLoop<SupervisedStage> {
    let model = try TinyLlama("gqa").model(threads: threads)
    var options = AdapterOptions()
    options.rank = 4
    options.targetRank = 1
    options.budget = RankBudget.Schedule(firstSteps: 2, lastSteps: 2, interval: 2)
    try model.attach(
      AdapterConfiguration(AdapterSelection(.list(["q_proj", "down_proj"])), AdaLoRA(options)), seed: 4)
    let rows = (0..<6).map { index in
      TokenRow([
        TokenSequence(
          ids: (0..<Int32(9)).map { ($0 * 5 + Int32(index) * 3) % 50 }, lossMask: [Bool](repeating: true, count: 9))
      ])
    }
    var settings = TrainingSettings(
      length: .steps(steps), batchSize: 2, learningRate: 0.02, schedule: LearningRateSchedule(.constant),
      optimizer: AdamWSettings(), seed: 3)
    if averages { settings.average = AverageSettings(decay: 0.9, warmsUp: false) }
    return try TrainingLoop(
      model: model, stage: SupervisedStage(), rows: TrainingRows(rows), settings: settings, checkpoints: folder)
  }

  /// An average of all steps has something of every triplet.
  @Test("an average has the ranks that are left, and no others")
  func averages() throws {
    func elements(_ averages: Bool) throws -> [[Float]] {
      let loop = try loop(nil, averages: averages)
      _ = try loop.run()
      return loop.model.trainableParameters.filter { $0.name.hasSuffix("lora_E") }.map(\.value.values)
    }
    let (plain, mean) = (try elements(false), try elements(true))
    #expect(plain.map { $0.map { $0 != 0 } } == mean.map { $0.map { $0 != 0 } })
    #expect(plain != mean)
  }

  private func values<Stage>(_ loop: TrainingLoop<Stage>) -> [[UInt32]] {
    loop.model.trainableParameters.map { $0.value.values.map(\.bitPattern) }
  }

  @Test("stopped after any step it ends in the same bits, with as many ranks as were wanted")
  func resume() throws {
    let whole = try loop(nil)
    let result = try whole.run()
    let elements = whole.model.trainableParameters.filter { $0.name.hasSuffix("lora_E") }
    let left = elements.reduce(0) { $0 + $1.value.values.count { $0 != 0 } }
    #expect(left == elements.count)
    #expect(result.metrics.allSatisfy { ($0["orthogonality"]?.double ?? 0) > 0 })
    for stop in [1, 3, 6, 7, 8] {
      let folder = try TemporaryFolder()
      let first = try loop(CheckpointFolder(path: folder.path), threads: 2)
      var steps = 0
      first.shouldStop = {
        steps += 1
        return steps == stop
      }
      #expect(throws: TrainingInterrupted.self) { try first.run() }
      let second = try loop(CheckpointFolder(path: folder.path))
      _ = try second.run()
      #expect(values(second) == values(whole), "stopped after \(stop)")
    }
  }

  @Test("a training that is too short for the schedule is refused before its first step")
  func tooShort() throws {
    let short = try loop(nil, steps: 4)
    #expect(throws: AdapterError.self) { try short.run() }
  }
}
