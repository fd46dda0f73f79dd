import Tensors

extension LanguageModel {
  /// Adds the gradient of the mean of −log p over all labels of some texts to the parameters that are trained.
  ///
  /// - Parameters:
  ///   - tokenBudget: The most tokens that are computed together, but for a longer text.
  ///   - watch: Asked before each piece of work; what it throws ends it.
  /// - Throws: What computing throws.
  package func addGradients(
    of sequences: [LabelledSequence], tokenBudget: Int, watch: () throws -> Void
  ) throws {
    let labels = sequences.reduce(0) { $0 + $1.labelCount }
    guard labels > 0 else { return }
    let weights = WeightEpoch()
    for run in microBatches(lengths: sequences.map(\.ids.count), budget: tokenBudget) {
      try watch()
      let batch = PackedBatch(sequences[run])
      guard batch.labelCount > 0 else { continue }
      let tape = Tape(compute: compute, records: true, drops: false, weights: weights)
      let scored = try tape.crossEntropy(
        hiddenStates(tape, batch), head: head, targets: batch.targets,
        weights: [Float](repeating: 1 / Float(labels), count: batch.labelCount))
      tape.backward(from: scored.loss)
    }
  }
}
