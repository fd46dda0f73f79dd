import LanguageModels
import Tensors
import TokenShards

/// The loss and the measures of a stage over a whole set.
///
/// Deterministic: rows are read in order, and as many are computed together as the token budget allows. Cost: one forward
/// pass; memory for one batch.
package struct StageEvaluation<Stage: TrainingStage> {
  package struct Result: Sendable, Hashable {
    package var rows = 0
    package var tokens = 0
    package var labelTokens = 0
    /// What ``loss`` is the mean of.
    package var sum = Measure()
    package var measures = Measures()

    /// Mean over what the stage's loss is a mean of: label tokens, pairs, rows.
    package var loss: Double { sum.mean }
  }

  package let stage: Stage
  package let model: LanguageModel
  /// The most tokens computed together; a longer row is computed alone.
  package let tokenBudget: Int

  package init(_ stage: Stage, model: LanguageModel, tokenBudget: Int = TrainingSettings.tokenBudget) {
    self.stage = stage
    self.model = model
    self.tokenBudget = tokenBudget
  }

  /// - Parameter progress: Told after each pass how many rows are done.
  /// - Throws: ``TrainingError/noRows``, ``TrainingError/nothingToMeasure(rows:)``,
  ///   ``TrainingError/measureNotFinite(rows:)``, and what rows and stage throw.
  package func run(_ rows: TrainingRows, progress: (_ done: Int) throws -> Void = { _ in }) throws -> Result {
    guard rows.count > 0 else { throw TrainingError.noRows }
    var result = Result()
    var stage = stage
    let weights = WeightEpoch()
    var waiting: [TokenRow] = []
    var tokens = 0
    for index in 0..<rows.count {
      let next = try rows.row(index)
      if !waiting.isEmpty, tokens + next.tokenCount > tokenBudget {
        try add(waiting, index - waiting.count..<index, &stage, weights, to: &result)
        try progress(index)
        (waiting, tokens) = ([], 0)
      }
      waiting.append(next)
      tokens += next.tokenCount
    }
    try add(waiting, rows.count - waiting.count..<rows.count, &stage, weights, to: &result)
    try progress(rows.count)
    guard result.sum.weight > 0 else { throw TrainingError.nothingToMeasure(rows: rows.count) }
    return result
  }

  private func add(
    _ rows: [TokenRow], _ numbers: Range<Int>, _ stage: inout Stage, _ weights: WeightEpoch, to result: inout Result
  ) throws {
    result.rows += rows.count
    result.tokens += rows.reduce(0) { $0 + $1.tokenCount }
    let step = StageStep(rows, numbers: Array(numbers), BatchRules(tokenBudget: tokenBudget), model: model)
    for batch in try stage.batches(of: step) {
      let part = try stage.loss(
        of: batch, model: model, on: Tape(compute: model.compute, records: false, weights: weights))
      guard part.value.isFinite else { throw TrainingError.measureNotFinite(rows: numbers) }
      result.sum += part.sum
      result.labelTokens += part.labelTokens
      result.measures.add(part.measures)
    }
  }
}
