import Diagnostics
import LanguageModels
import PreciseJSON
import Tensors
import TestKit
import Testing
import TokenShards
import Training

@Suite("Evaluation")
struct EvaluationTests {
  func rows() throws -> [TokenRow] {
    try TinyLlama("gqa").sequences().map { TokenRow([TokenSequence(ids: $0.ids, lossMask: $0.lossMask)]) }
  }

  @Test func isTheMeanOverLabelTokensThatTransformersComputes() throws {
    let tiny = try TinyLlama("gqa")
    let rows = try rows()
    let found = try StageEvaluation(SupervisedStage(), model: tiny.model()).run(TrainingRows(rows))
    let expected = try #require(tiny.expectedNumbers()["loss"]?.double)
    #expect(relativeError(found.loss, expected) < 1e-5)
    #expect(found.labelTokens == rows.reduce(0) { $0 + $1.labelCount })
    #expect(found.tokens == rows.reduce(0) { $0 + $1.tokenCount })
    #expect(found.rows == rows.count)

    // Token accuracy from the reference logits.
    var correct = 0
    let stored = try tiny.expectedTensors()
    for (index, row) in rows.enumerated() {
      let logits = try stored.tensor(named: "logits.\(index)")
      let sequence = row.sequences[0]
      for t in 1..<max(1, sequence.ids.count) where sequence.lossMask[t] {
        let scores = logits.buffer[(t - 1) * logits.columns..<t * logits.columns]
        if let best = scores.indices.max(by: { scores[$0] < scores[$1] }),
          best - scores.startIndex == Int(sequence.ids[t])
        {
          correct += 1
        }
      }
    }
    #expect(found.measures.named["accuracy"]?.sum == Double(correct))
    #expect(found.measures.named["accuracy"]?.weight == Double(found.labelTokens))
  }

  @Test func batchesAndThreadsChangeNothing() throws {
    let tiny = try TinyLlama("gqa")
    let rows = try rows()
    let one = try StageEvaluation(SupervisedStage(), model: tiny.model(), tokenBudget: 30).run(
      TrainingRows(rows))
    let two = try StageEvaluation(SupervisedStage(), model: tiny.model(threads: 3), tokenBudget: 30).run(
      TrainingRows(rows))
    #expect(one == two)
    let alone = try StageEvaluation(SupervisedStage(), model: tiny.model(), tokenBudget: 1).run(
      TrainingRows(rows))
    #expect(relativeError(alone.loss, one.loss) < 1e-6)
    #expect(alone.labelTokens == one.labelTokens)
  }

  @Test func rowsWithoutLabelsAreAnError() throws {
    let row = TokenRow([TokenSequence(ids: [1, 2], lossMask: [true, false])])
    let evaluation = try StageEvaluation(SupervisedStage(), model: TinyLlama("gqa").model())
    #expect(throws: TrainingError.nothingToMeasure(rows: 3)) {
      try evaluation.run(TrainingRows([row, row, row]))
    }
    #expect(
      TrainingError.nothingToMeasure(rows: 3).diagnostics[0].summary
        == "None of the 3 rows to evaluate has a label token")
  }
}
