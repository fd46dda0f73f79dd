import LanguageModels
import PreciseJSON
import Tensors
import TestKit
import Testing
import TokenShards
import Training

@Suite("A training's result depends on nothing but its settings and data")
struct DeterminismTests {
  func run(
    threads: Int = 1, batchSize: Int = 4, tokenBudget: Int = 64, rows: [TokenRow]? = nil, dropout: Float = 0.1,
    change: (inout TrainingSettings) -> Void = { _ in }
  ) throws -> (values: [String: [Float]], metrics: [JSON]) {
    let model = try adaptedModel("adapter", threads: threads, dropout: dropout)
    var settings = try settings(
      of: readJSON(fixture("Training/adapter.json")), batchSize: batchSize, tokenBudget: tokenBudget)
    settings.shuffle = true
    settings.length = .steps(6)
    change(&settings)
    let loop = try TrainingLoop(
      model: model, stage: SupervisedStage(), rows: TrainingRows(rows ?? fixtureRows()), settings: settings)
    let result = try loop.run()
    return (trainedValues(model), timeless(result.metrics))
  }

  @Test func oneTwoAndThreeThreadsGiveTheSameBits() throws {
    let one = try run()
    for threads in 2...3 {
      let more = try run(threads: threads)
      #expect(more.values == one.values)
      #expect(more.metrics == one.metrics)
    }
  }

  @Test func theSeedDecidesOrderAndDropout() throws {
    let first = try run()
    #expect(try run { $0.seed = 7 }.values != first.values)
    #expect(try run(dropout: 0).values != first.values)
  }

  @Test func howRowsAreLaidIntoBatchesNeverChangesTheLoss() throws {
    let whole = try run(tokenBudget: 10_000, dropout: 0)
    for budget in [1, 40, 70] {
      let split = try run(tokenBudget: budget, dropout: 0)
      for (found, expected) in zip(split.metrics, whole.metrics) {
        for key in ["loss", "grad_norm"] {
          #expect(relativeError(try #require(found[key]?.double), try #require(expected[key]?.double)) < 1e-5)
        }
        #expect(found["label_tokens"] == expected["label_tokens"])
      }
    }
  }

  /// Four rows a step, or two packed rows of two sequences each.
  @Test func packedRowsLearnAsRowsByThemselves() throws {
    let rows = Array(try fixtureRows()[..<12])
    let packed = stride(from: 0, to: 12, by: 2).map { TokenRow(rows[$0].sequences + rows[$0 + 1].sequences) }
    let alone = try run(rows: rows, dropout: 0) { $0.shuffle = false }
    let together = try run(batchSize: 2, rows: packed, dropout: 0) { $0.shuffle = false }
    for (found, expected) in zip(together.metrics, alone.metrics) {
      for key in ["loss", "grad_norm"] {
        #expect(relativeError(try #require(found[key]?.double), try #require(expected[key]?.double)) < 1e-5)
      }
      #expect(found["tokens"] == expected["tokens"])
    }
  }
}
