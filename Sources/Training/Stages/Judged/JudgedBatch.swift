import LanguageModels
import Tensors
import TokenShards

/// Answers that are judged by themselves, laid out to be computed together, with what a reference gives to them.
package struct JudgedBatch {
  package let answers: AnswerBatch
  package let isWanted: [Bool]
  /// What the reference gives to the answers.
  package let reference: [Double]
  /// The rows of the whole step.
  package let stepRows: Int

  /// The rows of a step in runs.
  ///
  /// - Parameter reference: What the reference gives to the answers of every row of the set.
  /// - Throws: ``TrainingError/notJudged(row:)`` for a row that is none, ``TrainingError/noAnswer(row:)``.
  static func batches(of step: StageStep, reference: [Double]) throws -> [JudgedBatch] {
    try step.runs.map { run in
      let numbers = Array(step.numbers[run])
      let sequences = try zip(step.rows[run], numbers).map { row, number in
        guard row.sequences.count == 1, [.wanted, .unwanted].contains(row.sequences[0].role) else {
          throw TrainingError.notJudged(row: number)
        }
        return row.sequences[0]
      }
      return JudgedBatch(
        answers: try AnswerBatch(sequences, numbers: numbers), isWanted: sequences.map { $0.role == .wanted },
        reference: numbers.map { reference[$0] }, stepRows: step.rows.count)
    }
  }

  /// Records the mean over the step's rows of a loss of each answer, and tells rewards and log-probabilities.
  ///
  /// - Parameters:
  ///   - beta: What log-ratios are multiplied by to be rewards.
  ///   - told: What is told of every answer beside them.
  ///   - judge: The loss of an answer and its derivative by the policy's log-probability, from the log-ratio.
  func loss(
    _ model: LanguageModel, on tape: Tape, beta: Double, telling told: [String: Double],
    _ judge: (_ ratio: Double, _ isWanted: Bool) -> (loss: Double, derivative: Double)
  ) throws -> StageLoss {
    let (labels, policy) = try answers.logProbabilities(model, on: tape)
    let count = Double(stepRows)
    var gradient = [Float](repeating: 0, count: labels.value.count)
    var value = 0.0
    var measures = Measures()
    for (index, answer) in answers.answers.enumerated() {
      let ratio = policy[index] - reference[index]
      let found = judge(ratio, isWanted[index])
      value += found.loss / count
      let derivative = Float(found.derivative / count)
      for label in answer { gradient[label] = derivative }
      let name = isWanted[index] ? "chosen" : "rejected"
      measures.tell("rewards_\(name)", beta * ratio)
      measures.tell("logps_\(name)", policy[index])
      for (name, value) in told { measures.tell(name, value) }
    }
    return StageLoss(
      loss: tape.scalar(
        of: [labels], value: Float(value), gradients: [Tensor(shape: labels.value.shape, values: gradient)]),
      value: value, sum: Measure(sum: value * count, weight: Double(answers.answers.count)),
      labelTokens: answers.packed.labelCount, measures: measures)
  }
}
