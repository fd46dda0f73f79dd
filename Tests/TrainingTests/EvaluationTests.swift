import Diagnostics
import Evaluation
import LanguageModels
import PreciseJSON
import Tensors
import TestKit
import Testing
import TokenShards

@Suite("Evaluation")
struct EvaluationTests {
  func rows() throws -> [TokenRow] {
    try TinyLlama("gqa").sequences().map { TokenRow([TokenSequence(ids: $0.ids, lossMask: $0.lossMask)]) }
  }

  @Test func isTheMeanOverLabelTokensThatTransformersComputes() throws {
    let tiny = try TinyLlama("gqa")
    let rows = try rows()
    let found = try Evaluation(model: tiny.model()).run(rowCount: rows.count) { rows[$0] }
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
    #expect(found.correct == correct)
    let json = found.json
    #expect(json["loss"]?.double == found.loss)
    #expect(json["label_tokens"]?.int == found.labelTokens)
    #expect(json["perplexity"]?.double == found.perplexity)
    #expect(json["accuracy"]?.double == found.accuracy)
  }

  @Test func batchesAndThreadsChangeNothing() throws {
    let tiny = try TinyLlama("gqa")
    let rows = try rows()
    let one = try Evaluation(model: tiny.model(), tokenBudget: 30).run(rowCount: rows.count) { rows[$0] }
    let two = try Evaluation(model: tiny.model(threads: 3), tokenBudget: 30).run(rowCount: rows.count) { rows[$0] }
    #expect(one == two)
    let alone = try Evaluation(model: tiny.model(), tokenBudget: 1).run(rowCount: rows.count) { rows[$0] }
    #expect(relativeError(alone.loss, one.loss) < 1e-6)
    #expect(alone.labelTokens == one.labelTokens)
  }

  @Test func rowsWithoutLabelsAreAnError() throws {
    let row = TokenRow([TokenSequence(ids: [1, 2], lossMask: [true, false])])
    let evaluation = try Evaluation(model: TinyLlama("gqa").model())
    #expect(throws: EvaluationError.noLabels(rows: 3)) { try evaluation.run(rowCount: 3) { _ in row } }
    #expect(
      EvaluationError.noLabels(rows: 3).diagnostics[0].summary == "None of the 3 rows to evaluate has a label token")
  }
}
