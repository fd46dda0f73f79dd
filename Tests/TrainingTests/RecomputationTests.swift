import LanguageModels
import PreciseJSON
import Tensors
import TestKit
import Testing
import TokenShards
import Training

@Suite("What a training keeps for its backward pass decides nothing but memory and time")
struct RecomputationTests {
  /// Rows of two sequences each, trained with dropout.
  private func supervised(_ recomputation: Recomputation) throws -> TrainingLoop<SupervisedStage> {
    let model = try adaptedModel("adapter", dropout: 0.2)
    model.recomputation = recomputation
    let rows = try fixtureRows()
    let packed = stride(from: 0, to: rows.count - 1, by: 2).map {
      TokenRow(rows[$0].sequences + rows[$0 + 1].sequences)
    }
    return try TrainingLoop(
      model: model, stage: SupervisedStage(), rows: TrainingRows(packed),
      settings: settings(of: readJSON(fixture("Training/adapter.json")), batchSize: 2, tokenBudget: 200))
  }

  /// Pairs whose prompts are shared, so that a gradient has parts from both answers.
  private func preference(_ recomputation: Recomputation) throws -> TrainingLoop<PairStage> {
    let fixtures = try readJSON(fixture("Training/dpo.json"))
    let pairs = try fixturePairs().map { pair in
      let prompt = (0..<24).map { Int32($0 % 29) }
      return TokenRow(
        pair.sequences.map {
          TokenSequence(
            role: $0.role, ids: prompt + $0.ids, lossMask: prompt.map { _ in false } + $0.lossMask)
        })
    }
    let scores = try pairLogProbabilities(of: pairs, model: TinyLlama("gqa").model())
    let model = try adaptedModel("adapter")
    model.recomputation = recomputation
    return try TrainingLoop(
      model: model, stage: PairStage(dpoObjective(of: fixtures), reference: scores),
      rows: TrainingRows(pairs), settings: settings(of: fixtures, tokenBudget: 400))
  }

  private func expectEqual<Stage>(_ make: (Recomputation) throws -> TrainingLoop<Stage>) throws {
    let plain = try make(.none)
    let expected = try plain.run()
    for recomputation in [Recomputation.attention, .block] {
      let loop = try make(recomputation)
      let result = try loop.run()
      #expect(timeless(result.metrics) == timeless(expected.metrics), "\(recomputation)")
      #expect(trainedValues(loop.model) == trainedValues(plain.model), "\(recomputation)")
    }
  }

  @Test func packedRowsWithDropout() throws { try expectEqual(supervised) }

  @Test func preferencePairs() throws { try expectEqual(preference) }

  @Test func aStoppedTrainingGoesOnWithMoreOrLessMemory() throws {
    let whole = try supervised(.none)
    let expected = try whole.run()
    let temporary = try TemporaryFolder()
    let folder = CheckpointFolder(path: temporary.path)
    func loop(_ recomputation: Recomputation) throws -> TrainingLoop<SupervisedStage> {
      let loop = try supervised(recomputation)
      return try TrainingLoop(
        model: loop.model, stage: loop.stage, rows: loop.rows, settings: loop.settings, checkpoints: folder)
    }
    let first = try loop(.block)
    var steps = 0
    first.shouldStop = {
      steps += 1
      return steps == 3
    }
    #expect(throws: TrainingInterrupted.self) { _ = try first.run() }
    let second = try loop(.attention)
    var started: [Int] = []
    second.onEvent = { if case .started(let step, _) = $0 { started.append(step) } }
    #expect(try timeless(second.run().metrics) == timeless(expected.metrics))
    #expect(started == [3])
    #expect(trainedValues(second.model) == trainedValues(whole.model))
  }
}
