import LanguageModels
import Tensors
import TokenShards

/// The loss of a model over a token set, as a mean over label tokens, computed in batches without padding.
///
/// Deterministic: batches are a function of the rows and `tokenBudget`, sums run in the order of the tokens.
/// Cost: one forward pass; memory for one batch.
package struct Evaluation {
  package let model: LanguageModel
  /// The most tokens computed together; a longer row is computed alone.
  package let tokenBudget: Int

  package init(model: LanguageModel, tokenBudget: Int = 1024) {
    self.model = model
    self.tokenBudget = tokenBudget
  }

  /// - Parameters:
  ///   - rowCount: How many rows there are.
  ///   - row: Reads one, called once for each in order.
  ///   - progress: Told after each batch how many rows are done.
  /// - Throws: ``EvaluationError``, ``TensorError`` for ids the model does not have, and what `row` throws.
  package func run(
    rowCount: Int, row: (Int) throws -> TokenRow, progress: (_ done: Int) throws -> Void = { _ in }
  ) throws -> EvaluationResult {
    var result = EvaluationResult()
    var waiting: [TokenRow] = []
    var first = 0
    var tokens = 0
    for index in 0..<rowCount {
      let next = try row(index)
      if !waiting.isEmpty, tokens + next.tokenCount > tokenBudget {
        try add(waiting, first..<index, to: &result)
        try progress(index)
        (waiting, first, tokens) = ([], index, 0)
      }
      waiting.append(next)
      tokens += next.tokenCount
    }
    if !waiting.isEmpty {
      try add(waiting, first..<rowCount, to: &result)
      try progress(rowCount)
    }
    guard result.labelTokens > 0 else { throw EvaluationError.noLabels(rows: rowCount) }
    return result
  }

  private func add(_ rows: [TokenRow], _ numbers: Range<Int>, to result: inout EvaluationResult) throws {
    result.rows += rows.count
    let batch = PackedBatch(
      rows.lazy.flatMap(\.sequences).map { LabelledSequence(ids: $0.ids, lossMask: $0.lossMask) })
    result.tokens += batch.tokenCount
    guard batch.labelCount > 0 else { return }
    let tape = Tape(compute: model.compute, records: false)
    let scored = try tape.crossEntropy(
      model.hiddenStates(tape, batch), head: model.head, targets: batch.targets,
      weights: [Float](repeating: 1, count: batch.labelCount))
    let sum = scored.logProbabilities.reduce(0) { $0 - Double($1) }
    guard sum.isFinite else { throw EvaluationError.notFinite(rows: numbers) }
    result.lossSum += sum
    result.labelTokens += batch.labelCount
    result.correct += scored.correct.count { $0 }
  }
}
