import LanguageModels
import Tensors
import TokenShards

/// Supervised fine-tuning: the sum of −log p over all label tokens of a step, divided by their count.
///
/// Long answers weigh more than short ones, and batch size times accumulation splits change nothing. Where labels lose
/// something else than −log p, that is told beside the loss (`nll`) and is what is measured of a set: the loss itself may
/// rise while the model learns.
package struct SupervisedStage: TrainingStage {
  package struct Settings: Sendable, Hashable {
    /// What a label counts by what the model says of it; nil where all count alike.
    package var emphasis: LabelEmphasis?
    /// The share of a label's loss that all tokens of the vocabulary have alike.
    package var smoothing = 0.0
    /// How strong the noise is that embeddings get while the model learns.
    package var noise = 0.0

    package init() {}

    /// Whether labels lose something else than −log p.
    var isPlain: Bool { emphasis == nil && smoothing == 0 }
  }

  package struct Batch {
    package let packed: PackedBatch
    /// The label tokens of the whole step.
    package let stepLabels: Int
    package let noise: EmbeddingNoise?
  }

  package let settings: Settings

  package init(_ settings: Settings = Settings()) { self.settings = settings }

  package var identity: String {
    var identity = "\(Self.self)"
    if let emphasis = settings.emphasis { identity += " \(emphasis)" }
    if settings.smoothing > 0 { identity += " smoothing \(settings.smoothing)" }
    if settings.noise > 0 { identity += " noise \(settings.noise)" }
    return identity
  }

  package func batches(of step: StageStep) -> [Batch] {
    let stepLabels = step.rows.reduce(0) { $0 + $1.labelCount }
    // A sequence is known by its number in the step, however the step is cut.
    var first = 0
    return step.runs.compactMap { run in
      let sequences = step.rows[run].flatMap(\.sequences)
      defer { first += sequences.count }
      let packed = PackedBatch(
        sequences.lazy.map { LabelledSequence(ids: $0.ids, lossMask: $0.lossMask) },
        sharesPrefixes: step.rules.sharesPrefixes && settings.noise == 0)
      guard packed.labelCount > 0 else { return nil }
      return Batch(packed: packed, stepLabels: stepLabels, noise: noise(of: sequences, first: first, step.key))
    }
  }

  /// The noise of a batch's sequences that have labels, which are those that a batch holds.
  private func noise(of sequences: [TokenSequence], first: Int, _ key: RandomKey) -> EmbeddingNoise? {
    guard settings.noise > 0 else { return nil }
    return EmbeddingNoise(
      strength: settings.noise,
      sequences: sequences.enumerated().filter { $0.element.labelCount > 0 }.map { index, sequence in
        EmbeddingNoise.Sequence(length: sequence.ids.count, key: key.child(UInt64(first + index)))
      })
  }

  package func loss(of batch: Batch, model: LanguageModel, on tape: Tape) throws -> StageLoss {
    let count = Double(batch.stepLabels)
    let labels = batch.packed.labelCount
    let noise =
      tape.records
      ? batch.noise?.values(batch.packed.layout, width: model.configuration.hiddenSize, on: model.compute) : nil
    let scored = try tape.crossEntropy(
      model.hiddenStates(tape, batch.packed, noise: noise), head: model.head, targets: batch.packed.targets,
      weights: [Float](repeating: Float(1 / count), count: labels), emphasis: settings.emphasis,
      smoothing: Float(settings.smoothing))
    let correct = scored.correct.count { $0 }
    let sum = scored.logProbabilities.reduce(0) { $0 - Double($1) }
    var measures = Measures(["accuracy": Measure(sum: Double(correct), weight: Double(labels))])
    var value = sum / count
    if !settings.isPlain {
      value = lost(scored).reduce(0, +) / count
      measures.tell("nll", sum / Double(labels), weight: Double(labels))
    }
    if settings.emphasis != nil {
      measures.tell(
        "weight", scored.emphasis.reduce(0) { $0 + Double($1) } / Double(labels), weight: Double(labels))
    }
    return StageLoss(
      loss: scored.loss, value: value, sum: Measure(sum: sum, weight: Double(labels)), labelTokens: labels,
      measures: measures)
  }

  /// What each label loses.
  private func lost(_ scored: LabelScores) -> [Double] {
    scored.logProbabilities.indices.map { label in
      var logProbability = Double(scored.logProbabilities[label])
      if settings.smoothing > 0 {
        logProbability = (1 - settings.smoothing) * logProbability + settings.smoothing * Double(scored.means[label])
      }
      return -logProbability * (scored.emphasis.isEmpty ? 1 : Double(scored.emphasis[label]))
    }
  }
}
