import LanguageModels
import Tensors
import TokenShards

/// Reward modelling: −log σ(s_chosen − s_rejected − margin) + κ · (s_chosen + s_rejected)², the mean over the pairs of a
/// step, of scores that a linear map makes of the last token's hidden state (arXiv:2312.09244 for the centring).
///
/// Dropout is off.
package struct RewardStage: TrainingStage {
  package struct Batch {
    package let scored: ScoredSequences
    package let margins: [Double]
    /// The pairs of the whole step.
    package let stepPairs: Int
  }

  package static let usesDropout = false

  package let head: ScoreHead
  /// κ: how much the scores of a pair are pulled to have a mean of zero.
  package let centering: Double

  package init(_ head: ScoreHead, centering: Double = 0) {
    self.head = head
    self.centering = centering
  }

  package static var measureNames: [String] {
    ["accuracy", "margin", "reward_chosen", "reward_rejected", "reward_mean"]
  }

  package var identity: String { "\(Self.self) \(centering)" }
  package var parameters: [Parameter] { head.parameters }

  package func batches(of step: StageStep) throws -> [Batch] {
    try step.runs.map { run in
      for (row, number) in zip(step.rows[run], step.numbers[run])
      where row.sequences.map(\.role) != [.chosen, .rejected] {
        throw TrainingError.notAPair(row: number)
      }
      return Batch(
        scored: ScoredSequences(step.rows[run].flatMap(\.sequences)), margins: step.rows[run].map { Double($0.margin) },
        stepPairs: step.rows.count)
    }
  }

  package func loss(of batch: Batch, model: LanguageModel, on tape: Tape) throws -> StageLoss {
    let scores = try batch.scored.scores(model, head, on: tape)
    let values = scores.value.values.map { Double($0) }
    let count = Double(batch.stepPairs)
    var gradient = [Float](repeating: 0, count: values.count)
    var value = 0.0
    var measures = Measures()
    for (pair, margin) in batch.margins.enumerated() {
      let (chosen, rejected) = (values[2 * pair], values[2 * pair + 1])
      let (x, sum) = (chosen - rejected - margin, chosen + rejected)
      value += (softplus(-x) + centering * sum * sum) / count
      let (slope, pull) = (sigmoid(-x) / count, 2 * centering * sum / count)
      gradient[2 * pair] = Float(pull - slope)
      gradient[2 * pair + 1] = Float(pull + slope)
      measures.tell("accuracy", chosen > rejected ? 1 : chosen < rejected ? 0 : 0.5)
      measures.tell("margin", chosen - rejected)
      measures.tell("reward_chosen", chosen)
      measures.tell("reward_rejected", rejected)
      measures.tell("reward_mean", sum / 2)
    }
    return StageLoss(
      loss: tape.scalar(
        of: [scores], value: Float(value), gradients: [Tensor(shape: scores.value.shape, values: gradient)]),
      value: value, sum: Measure(sum: value * count, weight: Double(batch.margins.count)),
      labelTokens: batch.scored.tokenCount, measures: measures)
  }
}
