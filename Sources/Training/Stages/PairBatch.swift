import LanguageModels
import Tensors
import TokenShards

/// The log-probabilities of the two answers of a pair, each summed over the answer's tokens, in nats.
package struct PairLogProbabilities: Sendable, Hashable {
  package var chosen: Double
  package var rejected: Double

  package init(chosen: Double, rejected: Double) {
    self.chosen = chosen
    self.rejected = rejected
  }
}

/// Pairs of answers laid out to be computed together, each chosen answer before its rejected one.
package struct PairBatch {
  package let packed: PackedBatch
  /// For each pair the label positions of its chosen answer, then those of its rejected one.
  package let answers: [(chosen: Range<Int>, rejected: Range<Int>)]

  /// - Parameters:
  ///   - rows: Rows of two sequences, a chosen and a rejected one, each with labels.
  ///   - numbers: Which rows of the set they are, for messages.
  /// - Throws: ``TrainingError/notAPair(row:)``.
  package init(_ rows: some Collection<TokenRow>, numbers: some Collection<Int>) throws(TrainingError) {
    var sequences: [LabelledSequence] = []
    var answers: [(chosen: Range<Int>, rejected: Range<Int>)] = []
    var labels = 0
    for (row, number) in zip(rows, numbers) {
      guard row.sequences.map(\.role) == [.chosen, .rejected], row.sequences.allSatisfy({ $0.labelCount > 0 }) else {
        throw .notAPair(row: number)
      }
      let middle = labels + row.sequences[0].labelCount
      let end = middle + row.sequences[1].labelCount
      answers.append((labels..<middle, middle..<end))
      labels = end
      sequences += row.sequences.map { LabelledSequence(ids: $0.ids, lossMask: $0.lossMask) }
    }
    packed = PackedBatch(sequences)
    self.answers = answers
  }

  /// log p of every label [L], and its sums over the answers.
  ///
  /// - Throws: ``TensorError`` for ids that the model does not have and sequences longer than it was made for.
  package func logProbabilities(
    _ model: LanguageModel, on tape: Tape
  ) throws -> (labels: Variable, pairs: [PairLogProbabilities]) {
    let labels = try tape.labelLogProbabilities(
      model.hiddenStates(tape, packed), head: model.head, targets: packed.targets)
    let values = labels.value.values
    func sum(_ range: Range<Int>) -> Double { values[range].reduce(0) { $0 + Double($1) } }
    return (labels, answers.map { PairLogProbabilities(chosen: sum($0.chosen), rejected: sum($0.rejected)) })
  }
}

/// The log-probabilities that a model gives to the answers of pairs, by the same arithmetic as training's.
///
/// Cost: one forward pass.
/// - Parameters:
///   - first: The number of the first row, for messages.
///   - tokenBudget: The most tokens computed together; a longer pair is computed alone.
/// - Throws: ``TrainingError`` for a row that is no pair and for log-probabilities that are not finite, ``TensorError``.
package func pairLogProbabilities(
  of rows: [TokenRow], first: Int = 0, model: LanguageModel, tokenBudget: Int = TrainingSettings.tokenBudget
) throws -> [PairLogProbabilities] {
  try microBatches(lengths: rows.map(\.tokenCount), budget: tokenBudget).flatMap { run in
    let numbers = run.map { first + $0 }
    let tape = Tape(compute: model.compute, records: false)
    let pairs = try PairBatch(rows[run], numbers: numbers).logProbabilities(model, on: tape).pairs
    for (pair, number) in zip(pairs, numbers) where !pair.chosen.isFinite || !pair.rejected.isFinite {
      throw TrainingError.scoreNotFinite(row: number)
    }
    return pairs
  }
}
