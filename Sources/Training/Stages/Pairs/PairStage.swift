import LanguageModels
import PreciseJSON
import Tensors

/// Preference optimisation over pairs: the mean of a ``PairObjective`` over the pairs of a step.
///
/// Dropout is off, since rewards compare the policy with a reference that has none. Cost of an objective that needs the
/// whole step: one forward pass more.
package struct PairStage: TrainingStage {
  package struct Batch {
    package let pairs: PairBatch
    /// What the reference gives to the pairs.
    package let reference: [PairLogProbabilities]
    /// What is known beforehand; nil where a pair's own scores decide.
    package let verdicts: [PairVerdict]?
    /// The pairs of the whole step.
    package let stepPairs: Int
  }

  package static let usesDropout = false

  package let objective: PairObjective
  /// What the reference model gives to the answers of every row of the set; nil where the objective asks none.
  package let reference: [PairLogProbabilities]?
  /// What takes the place of ``reference`` once it has moved; nil where it stays.
  private let moving: MovingReference?
  /// The mean of the rewards of the steps so far, and how many there were.
  private var runningMean = Measure()

  package init(_ objective: PairObjective, reference: [PairLogProbabilities]?, moves: ReferenceMoves? = nil) {
    self.objective = objective
    self.reference = reference
    moving = moves.map(MovingReference.init)
  }

  package static var measureNames: [String] {
    [
      "rewards_chosen", "rewards_rejected", "rewards_margin", "rewards_accuracy", "logps_chosen", "logps_rejected",
      "nll", "weight", "log_odds", "log_odds_ratio",
    ]
  }

  package var identity: String {
    "\(Self.self) \(objective.identity)" + (moving.map { " \($0.identity)" } ?? "")
  }

  package var tensors: [NamedTensor] { moving?.tensors ?? [] }
  package mutating func begin(_ model: LanguageModel) { moving?.begin(model) }

  package var state: JSON {
    objective.usesRunningMean ? [JSON(runningMean.sum), JSON(runningMean.weight)] : .null
  }

  package mutating func restore(_ state: JSON) -> Bool {
    guard objective.usesRunningMean else { return state.isNull }
    guard let pair = state.array?.compactMap(\.double), pair.count == 2 else { return false }
    runningMean = Measure(sum: pair[0], weight: pair[1])
    return true
  }

  package mutating func batches(of step: StageStep) throws -> [Batch] {
    moving?.follow(after: step.number, on: step.model.compute)
    let reference = try reference(of: step)
    var batches = try step.runs.map { run in
      Batch(
        pairs: try PairBatch(step.rows[run], numbers: step.numbers[run]), reference: Array(reference[run]),
        verdicts: nil, stepPairs: step.rows.count)
    }
    guard objective.needsWholeStep else { return batches }
    let scores = try batches.map { batch in
      let tape = Tape(compute: step.model.compute, records: false)
      return pairScores(batch, try batch.pairs.logProbabilities(step.model, on: tape, objective))
    }
    let all = scores.flatMap { $0 }
    if objective.usesRunningMean {
      let rewards = all.reduce(0) { $0 + objective.beta * ($1.chosen.ratio + $1.rejected.ratio) / 2 }
      runningMean += Measure(sum: rewards / Double(all.count), weight: 1)
    }
    var verdicts = objective.verdicts(all, shift: runningMean.weight > 0 ? runningMean.mean : 0)[...]
    for index in batches.indices {
      let batch = batches[index]
      batches[index] = Batch(
        pairs: batch.pairs, reference: batch.reference, verdicts: Array(verdicts.prefix(scores[index].count)),
        stepPairs: batch.stepPairs)
      verdicts = verdicts.dropFirst(scores[index].count)
    }
    return batches
  }

  /// What the reference gives to the pairs of a step: known beforehand, as long as it has not moved.
  private func reference(of step: StageStep) throws -> [PairLogProbabilities] {
    if let moving, moving.hasMoved(before: step.number) {
      return try moving.asked(step.model) {
        try pairLogProbabilities(
          of: step.rows, numbers: step.numbers, model: step.model, tailWeight: objective.tailWeight,
          tokenBudget: step.rules.tokenBudget)
      }
    }
    return step.numbers.map { reference?[$0] ?? PairLogProbabilities(chosen: 0, rejected: 0) }
  }

  private func pairScores(_ batch: Batch, _ found: PairBatch.Scores) -> [PairScores] {
    zip(zip(found.pairs, batch.reference), batch.pairs.answers).enumerated().map { index, pair in
      let ((policy, reference), answers) = pair
      return PairScores(
        chosen: AnswerScores(
          policy.chosen, reference: reference.chosen, tokens: answers.chosen.count,
          likelihood: found.likelihoods?[index].chosen ?? 0),
        rejected: AnswerScores(
          policy.rejected, reference: reference.rejected, tokens: answers.rejected.count,
          likelihood: found.likelihoods?[index].rejected ?? 0))
    }
  }

  package func loss(of batch: Batch, model: LanguageModel, on tape: Tape) throws -> StageLoss {
    let found = try batch.pairs.logProbabilities(model, on: tape, objective)
    let verdicts = batch.verdicts ?? objective.verdicts(pairScores(batch, found))
    let count = Double(batch.stepPairs)
    var gradient = [Float](repeating: 0, count: found.labels.value.count)
    var value = 0.0
    var measures = Measures()
    for (index, (answers, verdict)) in zip(batch.pairs.answers, verdicts).enumerated() {
      value += verdict.loss / count
      let weights = batch.pairs.labelWeights(index, tail: objective.tailWeight)
      for (label, weight) in zip(answers.chosen, weights.chosen) {
        gradient[label] = Float(verdict.chosen / count * weight)
      }
      for (label, weight) in zip(answers.rejected, weights.rejected) {
        gradient[label] = Float(verdict.rejected / count * weight)
      }
      tell(verdict, &measures)
    }
    return StageLoss(
      loss: tape.scalar(
        of: [found.labels], value: Float(value),
        gradients: [Tensor(shape: found.labels.value.shape, values: gradient)]),
      value: value, sum: Measure(sum: value * count, weight: Double(batch.pairs.answers.count)),
      labelTokens: batch.pairs.packed.labelCount, measures: measures)
  }

  private func tell(_ verdict: PairVerdict, _ measures: inout Measures) {
    let margin = verdict.rewards.chosen - verdict.rewards.rejected
    measures.tell("rewards_chosen", verdict.rewards.chosen)
    measures.tell("rewards_rejected", verdict.rewards.rejected)
    measures.tell("rewards_margin", margin)
    // A tie is right half of the time: a policy that is its own reference has an accuracy of 0.5.
    measures.tell("rewards_accuracy", margin > 0 ? 1 : margin < 0 ? 0 : 0.5)
    measures.tell("logps_chosen", verdict.logProbabilities.chosen)
    measures.tell("logps_rejected", verdict.logProbabilities.rejected)
    if objective.supervised != 0 || reference == nil { measures.tell("nll", verdict.negativeLogLikelihood) }
    if objective.isWeighted { measures.tell("weight", verdict.weight) }
    if objective.terms.contains(where: { $0.loss.name == PairLoss.oddsRatio.name }) {
      let difference =
        PairLoss.logOdds(verdict.logProbabilities.chosen) - PairLoss.logOdds(verdict.logProbabilities.rejected)
      measures.tell("log_odds", difference)
      measures.tell("log_odds_ratio", -softplus(-difference))
    }
  }
}
