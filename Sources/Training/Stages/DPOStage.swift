import LanguageModels
import Tensors
import TokenShards

/// Direct preference optimisation: the mean of ``DPOLoss`` over the pairs of a step.
///
/// Dropout is off, since rewards compare the policy with a reference that has none.
package struct DPOStage: TrainingStage {
  package struct Batch {
    package let pairs: PairBatch
    /// What the reference gives to the pairs.
    package let reference: [PairLogProbabilities]
    /// The pairs of the whole step.
    package let stepPairs: Int
  }

  package static let usesDropout = false

  package let loss: DPOLoss
  /// What the reference model gives to the answers of every row of the set.
  package let reference: [PairLogProbabilities]

  package init(_ loss: DPOLoss, reference: [PairLogProbabilities]) {
    self.loss = loss
    self.reference = reference
  }

  package var identity: String { "\(Self.self) \(loss)" }

  package func batches(of rows: [TokenRow], numbers: [Int], _ rules: BatchRules) throws -> [Batch] {
    try microBatches(lengths: rows.map(\.tokenCount), budget: rules.tokenBudget).map { run in
      Batch(
        pairs: try PairBatch(rows[run], numbers: numbers[run]), reference: numbers[run].map { reference[$0] },
        stepPairs: rows.count)
    }
  }

  package func loss(of batch: Batch, model: LanguageModel, on tape: Tape) throws -> StageLoss {
    let (labels, policy) = try batch.pairs.logProbabilities(model, on: tape)
    let count = Double(batch.stepPairs)
    var gradient = [Float](repeating: 0, count: labels.value.count)
    var value = 0.0
    var measures: [String: StageLoss.Measure] = [:]
    func tell(_ name: String, _ number: Double) {
      measures[name, default: StageLoss.Measure(sum: 0, weight: 0)].sum += number
      measures[name, default: StageLoss.Measure(sum: 0, weight: 0)].weight += 1
    }
    for (index, answers) in batch.pairs.answers.enumerated() {
      let verdict = loss(policy[index], reference: batch.reference[index])
      value += verdict.loss / count
      let derivative = Float(verdict.derivative / count)
      for label in answers.chosen { gradient[label] = derivative }
      for label in answers.rejected { gradient[label] = -derivative }
      let margin = verdict.rewards.chosen - verdict.rewards.rejected
      tell("rewards_chosen", verdict.rewards.chosen)
      tell("rewards_rejected", verdict.rewards.rejected)
      tell("rewards_margin", margin)
      // A tie is right half of the time: a policy that is its own reference has an accuracy of 0.5.
      tell("rewards_accuracy", margin > 0 ? 1 : margin < 0 ? 0 : 0.5)
      tell("logps_chosen", policy[index].chosen)
      tell("logps_rejected", policy[index].rejected)
    }
    return StageLoss(
      loss: tape.scalar(
        of: [labels], value: Float(value), gradients: [Tensor(shape: labels.value.shape, values: gradient)]),
      value: value, labelTokens: batch.pairs.packed.labelCount, measures: measures)
  }
}
