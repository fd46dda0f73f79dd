import LanguageModels
import Tensors
import TokenShards

/// Sequences laid out to be computed together, each scored by the sum of its labels' log-probabilities.
package struct AnswerBatch {
  package let packed: PackedBatch
  /// The labels of each sequence.
  package let answers: [Range<Int>]

  /// - Parameters:
  ///   - sequences: Each with labels.
  ///   - numbers: Which rows of the set they belong to, for messages.
  /// - Throws: ``TrainingError/noAnswer(row:)`` for a sequence without a label.
  package init(
    _ sequences: some Collection<TokenSequence>, numbers: some Collection<Int>
  ) throws(TrainingError) {
    var answers: [Range<Int>] = []
    var labels = 0
    for (sequence, number) in zip(sequences, numbers) {
      guard sequence.labelCount > 0 else { throw .noAnswer(row: number) }
      answers.append(labels..<labels + sequence.labelCount)
      labels += sequence.labelCount
    }
    self.answers = answers
    packed = PackedBatch(sequences.map { LabelledSequence(ids: $0.ids, lossMask: $0.lossMask) })
  }

  /// Log p of every label [L], and its sums over the answers, in nats.
  ///
  /// - Throws: ``TensorError`` for ids that the model does not have and sequences longer than it was made for.
  package func logProbabilities(
    _ model: LanguageModel, on tape: Tape
  ) throws -> (labels: Variable, sums: [Double]) {
    let labels = try labels(of: model.hiddenStates(tape, packed), model, on: tape).labels
    let values = labels.value.values
    return (labels, answers.map { values[$0].reduce(0) { $0 + Double($1) } })
  }

  /// Log p of every label [L], and what else is asked of each one's distribution.
  ///
  /// - Parameters:
  ///   - states: The hidden states of the labels, [L, C].
  ///   - temperature: What logits are divided by.
  package func labels(
    of states: Variable, _ model: LanguageModel, temperature: Double = 1, asking measure: DistributionMeasure? = nil,
    on tape: Tape
  ) throws -> (labels: Variable, measured: [Float]?) {
    try tape.labelLogProbabilities(
      states, head: model.head.divided(by: temperature), targets: packed.targets, asking: measure)
  }
}

/// The log-probabilities that a model gives to the labels of sequences, summed over each, by the same arithmetic as
/// training's.
///
/// Cost: one forward pass.
/// - Parameters:
///   - first: The number of the first row, for messages.
///   - tokenBudget: The most tokens computed together; a longer sequence is computed alone.
/// - Throws: ``TrainingError`` for a sequence without labels and for sums that are not finite, ``TensorError``.
package func answerLogProbabilities(
  of sequences: [TokenSequence], first: Int = 0, model: LanguageModel, tokenBudget: Int = TrainingSettings.tokenBudget
) throws -> [Double] {
  try microBatches(lengths: sequences.map(\.ids.count), budget: tokenBudget).flatMap { run in
    let numbers = run.map { first + $0 }
    let tape = Tape(compute: model.compute, records: false)
    let sums = try AnswerBatch(sequences[run], numbers: numbers).logProbabilities(model, on: tape).sums
    for (sum, number) in zip(sums, numbers) where !sum.isFinite { throw TrainingError.scoreNotFinite(row: number) }
    return sums
  }
}

/// The log-probabilities that a model gives to each label of sequences, by the same arithmetic as training's.
///
/// Cost: one forward pass.
/// - Parameters:
///   - numbers: Which rows of the set they belong to, for messages.
///   - temperature: What logits are divided by.
///   - tokenBudget: The most tokens computed together; a longer sequence is computed alone.
/// - Throws: As ``answerLogProbabilities(of:first:model:tokenBudget:)``.
package func labelLogProbabilities(
  of sequences: [TokenSequence], numbers: [Int], model: LanguageModel, temperature: Double = 1,
  tokenBudget: Int = TrainingSettings.tokenBudget
) throws -> [[Float]] {
  try microBatches(lengths: sequences.map(\.ids.count), budget: tokenBudget).flatMap { run in
    let tape = Tape(compute: model.compute, records: false)
    let batch = try AnswerBatch(sequences[run], numbers: numbers[run])
    let labels = try batch.labels(
      of: model.hiddenStates(tape, batch.packed), model, temperature: temperature, on: tape
    ).labels.value.values
    for (answer, number) in zip(batch.answers, numbers[run])
    where !labels[answer].allSatisfy(\.isFinite) { throw TrainingError.scoreNotFinite(row: number) }
    return batch.answers.map { Array(labels[$0]) }
  }
}
