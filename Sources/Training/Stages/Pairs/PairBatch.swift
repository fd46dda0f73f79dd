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

  /// What a model gives to the answers.
  package struct Scores {
    /// Log p of every label [L].
    package let labels: Variable
    /// Its sums over the answers.
    package let pairs: [PairLogProbabilities]
    /// The means over an answer's tokens of log p less log Σ p², where they are asked for.
    package let likelihoods: [PairLogProbabilities]?
  }

  /// - Parameter objective: Says what a token beyond the shorter answer counts, and whether likelihoods are wanted.
  /// - Throws: ``TensorError`` for ids that the model does not have and sequences longer than it was made for.
  package func logProbabilities(
    _ model: LanguageModel, on tape: Tape, _ objective: PairObjective = PairObjective([])
  ) throws -> Scores {
    let hidden = try model.hiddenStates(tape, packed)
    let (labels, collisions) = try tape.labelLogProbabilities(
      hidden, head: model.head, targets: packed.targets, asking: objective.isWeighted ? .collisions : nil)
    let values = labels.value.values
    func sum(_ range: Range<Int>, _ weights: [Double]) -> Double {
      zip(values[range], weights).reduce(0) { $0 + Double($1.0) * $1.1 }
    }
    func likelihood(_ range: Range<Int>, _ collisions: [Float]) -> Double {
      range.reduce(0) { $0 + Double(values[$1]) - Double(collisions[$1]) } / Double(range.count)
    }
    return Scores(
      labels: labels,
      pairs: answers.indices.map { index in
        let weights = labelWeights(index, tail: objective.tailWeight)
        return PairLogProbabilities(
          chosen: sum(answers[index].chosen, weights.chosen), rejected: sum(answers[index].rejected, weights.rejected))
      },
      likelihoods: collisions.map { collisions in
        answers.map { answer in
          PairLogProbabilities(
            chosen: likelihood(answer.chosen, collisions), rejected: likelihood(answer.rejected, collisions))
        }
      })
  }

  /// What the labels of a pair's answers count, where those beyond the length of the shorter answer count `tail`.
  func labelWeights(_ index: Int, tail: Double) -> (chosen: [Double], rejected: [Double]) {
    let counts = (answers[index].chosen.count, answers[index].rejected.count)
    let common = min(counts.0, counts.1)
    func weights(_ count: Int) -> [Double] { (0..<count).map { $0 < common ? 1 : tail } }
    return (weights(counts.0), weights(counts.1))
  }
}

/// The log-probabilities that a model gives to the answers of pairs, by the same arithmetic as training's.
///
/// Cost: one forward pass.
/// - Parameters:
///   - numbers: Which rows of the set they are, for messages; counted from 0 unless given.
///   - tailWeight: What tokens beyond the length of the shorter answer count.
///   - tokenBudget: The most tokens computed together; a longer pair is computed alone.
/// - Throws: ``TrainingError`` for a row that is no pair and for log-probabilities that are not finite, ``TensorError``.
package func pairLogProbabilities(
  of rows: [TokenRow], numbers known: [Int]? = nil, model: LanguageModel, tailWeight: Double = 1,
  tokenBudget: Int = TrainingSettings.tokenBudget
) throws -> [PairLogProbabilities] {
  try microBatches(lengths: rows.map(\.tokenCount), budget: tokenBudget).flatMap { run in
    let numbers = known.map { Array($0[run]) } ?? Array(run)
    let tape = Tape(compute: model.compute, records: false)
    let pairs = try PairBatch(rows[run], numbers: numbers).logProbabilities(
      model, on: tape, PairObjective([], tailWeight: tailWeight)
    ).pairs
    for (pair, number) in zip(pairs, numbers) where !pair.chosen.isFinite || !pair.rejected.isFinite {
      throw TrainingError.scoreNotFinite(row: number)
    }
    return pairs
  }
}
