import LanguageModels
import Tensors
import TokenShards

/// The loss and the measures of a stage over a whole set, for stages whose loss is a mean over rows.
///
/// Deterministic: rows are read in order, ``rowsAPass`` at a time. Cost: one forward pass.
package struct StageEvaluation<Stage: TrainingStage> {
  /// Rows that are in memory together.
  package static var rowsAPass: Int { 64 }

  package struct Result: Sendable, Hashable {
    package var rows = 0
    package var tokens = 0
    package var labelTokens = 0
    /// Σ loss · rows.
    var lossSum = 0.0
    var sums: [String: StageLoss.Measure] = [:]

    /// Mean over the rows.
    package var loss: Double { lossSum / Double(rows) }
    /// The stage's measures, by name.
    package var measures: [(name: String, value: Double)] {
      sums.sorted { $0.key < $1.key }.map { ($0.key, $0.value.sum / $0.value.weight) }
    }
  }

  package let stage: Stage
  package let model: LanguageModel

  package init(_ stage: Stage, model: LanguageModel) {
    self.stage = stage
    self.model = model
  }

  /// - Parameter progress: Told after each pass how many rows are done.
  /// - Throws: ``TrainingError/noRows``, ``TrainingError/scoreNotFinite(row:)``, and what rows and stage throw.
  package func run(_ rows: TrainingRows, progress: (_ done: Int) throws -> Void = { _ in }) throws -> Result {
    guard rows.count > 0 else { throw TrainingError.noRows }
    var result = Result()
    let weights = WeightEpoch()
    for start in stride(from: 0, to: rows.count, by: Self.rowsAPass) {
      let numbers = Array(start..<min(rows.count, start + Self.rowsAPass))
      let pass = try numbers.map { try rows.row($0) }
      for batch in try stage.batches(of: pass, numbers: numbers, BatchRules()) {
        let tape = Tape(compute: model.compute, records: false, weights: weights)
        let part = try stage.loss(of: batch, model: model, on: tape)
        guard part.value.isFinite else { throw TrainingError.scoreNotFinite(row: start) }
        result.lossSum += part.value * Double(pass.count)
        result.labelTokens += part.labelTokens
        for (name, measure) in part.measures {
          result.sums[name, default: StageLoss.Measure(sum: 0, weight: 0)].sum += measure.sum
          result.sums[name, default: StageLoss.Measure(sum: 0, weight: 0)].weight += measure.weight
        }
      }
      result.rows += pass.count
      result.tokens += pass.reduce(0) { $0 + $1.tokenCount }
      try progress(result.rows)
    }
    return result
  }
}
