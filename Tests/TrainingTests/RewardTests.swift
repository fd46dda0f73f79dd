import LanguageModels
import PreciseJSON
import Tensors
import TestKit
import Testing
import TokenShards
import Training

/// Reward models: scripts/reference/stages, rm.py.
@Suite("Reward modelling")
struct RewardTests {
  private static func head() throws -> ScoreHead {
    ScoreHead(
      weight: patternedTensor(ScoreHead.weightName, shape: [1, 64], amplitude: 0.1),
      bias: patternedTensor(ScoreHead.biasName, shape: [1], amplitude: 0.1))
  }

  @Test("Ten steps", arguments: StageFixture.runs("rm"))
  func tenSteps(run: StageFixture.Run) throws {
    var pairs = try fixturePairs()
    if run.settings["margins"]?.bool == true {
      let margins = try #require(StageFixture("rm").json["margins"]?.array)
      for (index, margin) in margins.enumerated() { pairs[index].margin = Float(margin.double ?? 0) }
    }
    let stage = RewardStage(try Self.head(), centering: run.settings["center"]?.double ?? 0)
    try run.expectSameSteps(stage, pairs, leavingOut: ["reward_min", "reward_max"])
  }

  @Test func withoutCentringTheBiasStaysWhereItIs() throws {
    let stage = RewardStage(try Self.head())
    let before = stage.head.bias.value.values
    let loop = try TrainingLoop(
      model: adaptedModel("adapter"), stage: stage, rows: TrainingRows(fixturePairs()),
      settings: settings(of: readJSON(fixture("Training/dpo.json"))))
    _ = try loop.run()
    #expect(stage.head.bias.value.values == before)
    #expect(stage.head.weight.value.values != (try Self.head().weight.value.values))
  }

  @Test func aHeadIsInCheckpoints() throws {
    let folder = try TemporaryFolder()
    func loop(_ checkpoints: CheckpointFolder?) throws -> (TrainingLoop<RewardStage>, RewardStage) {
      let stage = RewardStage(try Self.head(), centering: 0.01)
      return (
        try TrainingLoop(
          model: adaptedModel("adapter"), stage: stage, rows: TrainingRows(fixturePairs()),
          settings: settings(of: readJSON(fixture("Training/dpo.json"))), checkpoints: checkpoints), stage
      )
    }
    let (whole, expected) = try loop(nil)
    _ = try whole.run()
    let (first, _) = try loop(CheckpointFolder(path: folder.path))
    var steps = 0
    first.shouldStop = {
      steps += 1
      return steps == 5
    }
    #expect(throws: TrainingInterrupted.self) { try first.run() }
    let (second, found) = try loop(CheckpointFolder(path: folder.path))
    _ = try second.run()
    #expect(found.head.weight.value.values == expected.head.weight.value.values)
    #expect(found.head.bias.value.values == expected.head.bias.value.values)
    #expect(trainedValues(second.model) == trainedValues(whole.model))
  }
}
