import Foundation
import LanguageModels
import PreciseJSON
import Tensors
import TestKit
import Testing
import TokenShards
import Training

/// Every stage goes on from a checkpoint as if it had never stopped, in the middle of a round too, with other threads.
@Suite("Stages that were stopped and resumed end in the same bits")
struct StageResumeTests {
  private static let prompts = (0..<6).map { index in
    TokenRow([
      TokenSequence(
        role: .prompt, ids: (0..<Int32(3 + index % 3)).map { 7 * $0 + Int32(index) + 5 },
        lossMask: [Bool](repeating: false, count: 3 + index % 3))
    ])
  }

  /// Answers are worth more the more even tokens they have.
  private static func source(
    _ model: LanguageModel, size: Int, remembers: Bool, moves: ReferenceMoves? = nil
  ) throws -> SampledRollouts {
    SampledRollouts(
      SampledRollouts.Settings(
        size: size, maximumTokens: 6, stops: [2], weights: [1], names: ["even"], remembersPolicy: remembers),
      reference: try moves.map { .moving(MovingReference($0)) } ?? .model(TinyLlama("gqa").model())
    ) { rollouts, _ in
      rollouts.map { [Double($0.completion.count { $0 % 2 == 0 }) / Double($0.completion.count)] }
    }
  }

  private func check<Stage: TrainingStage>(
    _ kind: String, _ rows: [TokenRow], batch: Int, _ stage: (LanguageModel) throws -> Stage
  ) throws {
    func loop(_ folder: CheckpointFolder?, threads: Int) throws -> TrainingLoop<Stage> {
      let model = try referenceModel(kind, threads: threads)
      let settings = TrainingSettings(
        length: .steps(7), batchSize: batch, learningRate: 1e-3, schedule: LearningRateSchedule(.constant),
        optimizer: AdamWSettings(), seed: 3, logEvery: 2, tokenBudget: 64)
      return try TrainingLoop(
        model: model, stage: stage(model), rows: TrainingRows(rows), settings: settings, checkpoints: folder)
    }
    func values<S>(_ loop: TrainingLoop<S>) -> [[UInt32]] {
      (loop.model.trainableParameters + loop.stage.parameters).map { $0.value.values.map(\.bitPattern) }
    }
    let whole = try loop(nil, threads: 1)
    let expected = try whole.run()
    for stop in [1, 2, 5] {
      let folder = try TemporaryFolder()
      let first = try loop(CheckpointFolder(path: folder.path), threads: 2)
      var steps = 0
      first.shouldStop = {
        steps += 1
        return steps == stop
      }
      #expect(throws: TrainingInterrupted.self) { try first.run() }
      let second = try loop(CheckpointFolder(path: folder.path), threads: 3)
      let result = try second.run()
      #expect(values(second) == values(whole), "stopped after \(stop)")
      #expect(timeless(result.metrics) == timeless(expected.metrics))
      #expect(result.tokens == expected.tokens)
    }
    #expect(expected.tokens > 0)
  }

  @Test(arguments: ["adapter", "full"])
  func groupsOfAnswers(kind: String) throws {
    try check(kind, Self.prompts, batch: 2) { model in
      PolicyStage(
        PolicySettings(PolicyObjective(.grpo, beta: 0.1), size: 3, passes: 2, stepsOfPass: 2),
        try Self.source(model, size: 3, remembers: true))
    }
    try check(kind, Self.prompts, batch: 2) { model in
      PolicyStage(
        PolicySettings(PolicyObjective(.grpo, beta: 0.1), size: 3),
        try Self.source(model, size: 3, remembers: true, moves: ReferenceMoves(every: 2, share: 0.6)))
    }
    try check(kind, Self.prompts, batch: 2) { model in
      PolicyStage(
        PolicySettings(PolicyObjective(.rloo), size: 3, normalizes: true, penalty: 0.05),
        try Self.source(model, size: 3, remembers: true))
    }
  }

  @Test(arguments: ["adapter", "full"])
  func pairsWithAMovingReference(kind: String) throws {
    let pairs = try fixturePairs()
    try check(kind, pairs, batch: 3) { model in
      PairStage(
        sigmoidObjective(), reference: try pairLogProbabilities(of: pairs, model: model),
        moves: ReferenceMoves(every: 2, share: 0.6))
    }
  }

  @Test(arguments: ["adapter", "full"])
  func classifierOfAnswers(kind: String) throws {
    let rows = try JudgedTests.rows()
    let reference = try answerLogProbabilities(of: rows.map { $0.sequences[0] }, model: TinyLlama("gqa").model())
    try check(kind, rows, batch: 3) { _ in ClassifierStage(beta: 0.3, reference: reference) }
  }

  @Test(arguments: ["adapter", "full"])
  func policyAndCritic(kind: String) throws {
    try check(kind, Self.prompts, batch: 3) { model in
      ActorCriticStage(
        ActorCriticSettings(
          control: DivergenceControl(coefficient: 0.1, target: 0.1, horizon: 10), normalizesScores: true, passes: 2,
          stepsOfPass: 2),
        try Self.source(model, size: 1, remembers: true),
        head: ScoreHead(width: model.configuration.hiddenSize, seed: 4))
    }
  }

  @Test(arguments: ["adapter", "full"])
  func studentThatAnswers(kind: String) throws {
    let rows = try fixtureRows()
    try check(kind, rows, batch: 3) { _ in
      DistillationStage(
        DistillationStage.Settings(
          .jensenShannon(0.5), temperature: 2, share: 0.7,
          ownAnswers: DistillationStage.OwnAnswers(share: 0.5, maximumTokens: 5, stops: [2])),
        .model(try TinyLlama("gqa").model()))
    }
  }
}
