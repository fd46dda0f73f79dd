import LanguageModels
import PreciseJSON
import Tensors
import TokenShards

/// Optimisation over answers that are judged by themselves: the mean of a ``JudgedLoss`` over the rows of a step.
///
/// z is the mean over the step's rows of the log-ratio of mismatched answers, at least 0, as the model is before the step;
/// it has no gradient. Dropout is off. Cost of z: one forward pass more.
package struct JudgedStage: TrainingStage {
  package struct Batch {
    package let judged: JudgedBatch
    /// z of the step.
    package let divergence: Double
  }

  package struct Settings: Sendable, Hashable {
    package var loss: JudgedLoss
    package var beta: Double
    /// What wanted and unwanted answers count.
    package var wantedWeight: Double
    package var unwantedWeight: Double

    package init(_ loss: JudgedLoss = .kto, beta: Double = 0.1, wantedWeight: Double = 1, unwantedWeight: Double = 1) {
      self.loss = loss
      self.beta = beta
      self.wantedWeight = wantedWeight
      self.unwantedWeight = unwantedWeight
    }
  }

  /// What the reference gives to the answers of every row of the set, and to the mismatched ones.
  package struct Reference: Sendable, Hashable {
    package var answers: [Double]
    /// Empty where the loss does not ask for them.
    package var mismatched: [Double]

    package init(answers: [Double], mismatched: [Double]) {
      self.answers = answers
      self.mismatched = mismatched
    }
  }

  package static let usesDropout = false

  package let settings: Settings
  package let reference: Reference
  private let mismatched: MismatchedAnswers

  /// - Parameters:
  ///   - rows: The whole set, which mismatched answers are taken from.
  ///   - longest: The tokens of its longest row.
  package init(_ settings: Settings, reference: Reference, rows: TrainingRows, longest: Int) {
    self.settings = settings
    self.reference = reference
    mismatched = MismatchedAnswers(rows, longest: longest)
  }

  package static var measureNames: [String] {
    ["rewards_chosen", "rewards_rejected", "logps_chosen", "logps_rejected", "kl"]
  }

  package var identity: String { "\(Self.self) \(settings)" }

  package func batches(of step: StageStep) throws -> [Batch] {
    let divergence = settings.loss.usesDivergence ? try divergence(step) : 0
    return try JudgedBatch.batches(of: step, reference: reference.answers).map {
      Batch(judged: $0, divergence: divergence)
    }
  }

  private func divergence(_ step: StageStep) throws -> Double {
    var sequences: [TokenSequence] = []
    var reference = 0.0
    for number in step.numbers {
      guard let sequence = try mismatched.sequence(number) else { continue }
      sequences.append(sequence)
      reference += self.reference.mismatched[number]
    }
    guard !sequences.isEmpty else { return 0 }
    let policy = try answerLogProbabilities(
      of: sequences, model: step.model, tokenBudget: step.rules.tokenBudget
    ).reduce(0, +)
    return max(0, (policy - reference) / Double(sequences.count))
  }

  package func loss(of batch: Batch, model: LanguageModel, on tape: Tape) throws -> StageLoss {
    try batch.judged.loss(model, on: tape, beta: settings.beta, telling: ["kl": batch.divergence]) { ratio, isWanted in
      let found = settings.loss(
        ratio: ratio, isWanted: isWanted, divergence: batch.divergence, beta: settings.beta)
      let weight = isWanted ? settings.wantedWeight : settings.unwantedWeight
      return (weight * found.loss, weight * found.derivative)
    }
  }
}
