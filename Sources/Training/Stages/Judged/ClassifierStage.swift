import LanguageModels
import PreciseJSON
import Tensors

/// Optimisation of a binary classifier over answers that are judged by themselves (arXiv:2404.04656): the reward β(log π − log
/// ref) less δ is its logit.
///
/// δ is the mean of the rewards of all answers so far, the step's own among them as the model is before the step; it has no
/// gradient. Dropout is off. Cost of δ: one forward pass more. Answers count alike: the distributions of prompts of wanted and
/// unwanted answers are not matched.
package struct ClassifierStage: TrainingStage {
  package struct Batch {
    package let judged: JudgedBatch
    /// δ of the step.
    package let shift: Double
  }

  package static let usesDropout = false

  package let beta: Double
  /// What the reference gives to the answers of every row of the set.
  package let reference: [Double]
  /// The rewards so far.
  private var rewards = Measure()

  package init(beta: Double, reference: [Double]) {
    self.beta = beta
    self.reference = reference
  }

  package static var measureNames: [String] {
    ["rewards_chosen", "rewards_rejected", "logps_chosen", "logps_rejected", "delta"]
  }

  package var identity: String { "\(Self.self) beta \(beta)" }
  package var state: JSON { [JSON(rewards.sum), JSON(rewards.weight)] }

  package mutating func restore(_ state: JSON) -> Bool {
    guard let pair = state.array?.compactMap(\.double), pair.count == 2 else { return false }
    rewards = Measure(sum: pair[0], weight: pair[1])
    return true
  }

  package mutating func batches(of step: StageStep) throws -> [Batch] {
    let batches = try JudgedBatch.batches(of: step, reference: reference)
    for batch in batches {
      let tape = Tape(compute: step.model.compute, records: false)
      let policy = try batch.answers.logProbabilities(step.model, on: tape).sums
      for (policy, reference) in zip(policy, batch.reference) {
        rewards += Measure(sum: beta * (policy - reference), weight: 1)
      }
    }
    return batches.map { Batch(judged: $0, shift: rewards.mean) }
  }

  package func loss(of batch: Batch, model: LanguageModel, on tape: Tape) throws -> StageLoss {
    try batch.judged.loss(model, on: tape, beta: beta, telling: ["delta": batch.shift]) { ratio, isWanted in
      Self.loss(ratio: ratio, isWanted: isWanted, shift: batch.shift, beta: beta)
    }
  }

  /// log(1 + e^(−x)) with x = βℓ − δ of wanted answers, δ − βℓ of others, and its derivative by the policy's log-probability.
  ///
  /// - Parameters:
  ///   - ratio: ℓ: the policy's log-probability of the answer less the reference's.
  ///   - shift: δ.
  package static func loss(
    ratio: Double, isWanted: Bool, shift: Double, beta: Double
  ) -> (loss: Double, derivative: Double) {
    let sign = isWanted ? 1.0 : -1
    let x = sign * (beta * ratio - shift)
    return (softplus(-x), -sign * beta * sigmoid(-x))
  }
}
