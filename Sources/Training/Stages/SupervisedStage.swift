import LanguageModels
import Tensors
import TokenShards

/// Supervised fine-tuning: the sum of −log p over all label tokens of a step, divided by their count; where labels have
/// weights, w · −log p divided by the sum of all w.
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
    /// Whether labels of the set have weights.
    package var isWeighted = false
    /// Whether −log p and label tokens are told of each source.
    package var tellsSources = false

    package init() {}

    /// Whether labels lose −log p and nothing else.
    var isPlain: Bool { emphasis == nil && smoothing == 0 && !isWeighted }
  }

  /// The model that another's distributions are held to, and how.
  package struct Anchor {
    /// Frozen.
    package var model: LanguageModel
    package var direction: LabelDivergence.Direction
    /// What the divergence counts.
    package var weight: Double
    /// Its weights never change.
    fileprivate let epoch = WeightEpoch()

    package init(_ model: LanguageModel, _ direction: LabelDivergence.Direction, weight: Double) {
      self.model = model
      self.direction = direction
      self.weight = weight
    }
  }

  package struct Batch {
    package let packed: PackedBatch
    /// What the label tokens of the whole step count.
    package let stepWeight: Double
    package let noise: EmbeddingNoise?
    /// The label tokens of each of its sequences, in order, with the sources' names; empty where they are not told.
    package let sources: [(name: String, labels: Int)]
  }

  package let settings: Settings
  /// Nil where the model is held to none.
  package let anchor: Anchor?

  package init(_ settings: Settings = Settings(), anchor: Anchor? = nil) {
    self.settings = settings
    self.anchor = anchor
  }

  package static var measureNames: [String] {
    ["accuracy", "nll", "kl", "weight", "loss/*", "tokens/*"]
  }

  package var identity: String {
    var identity = "\(Self.self)"
    if let emphasis = settings.emphasis { identity += " \(emphasis)" }
    if settings.smoothing > 0 { identity += " smoothing \(settings.smoothing)" }
    if let anchor { identity += " held \(anchor.direction) \(anchor.weight)" }
    if settings.tellsSources { identity += " by source" }
    if settings.noise > 0 { identity += " noise \(settings.noise)" }
    return identity
  }

  package func batches(of step: StageStep) -> [Batch] {
    let stepWeight = step.rows.reduce(0) { $0 + $1.labelWeight }
    // Nothing is learned of labels that all count nothing.
    guard stepWeight > 0 else { return [] }
    // A sequence is known by its number in the step, however the step is cut.
    var first = 0
    return step.runs.compactMap { run in
      let sequences = step.rows[run].flatMap(\.sequences)
      defer { first += sequences.count }
      let packed = PackedBatch(
        sequences.lazy.map { LabelledSequence(ids: $0.ids, lossMask: $0.lossMask, weights: $0.weights) },
        sharesPrefixes: step.rules.sharesPrefixes && settings.noise == 0)
      guard packed.labelCount > 0 else { return nil }
      return Batch(
        packed: packed, stepWeight: stepWeight, noise: noise(of: sequences, first: first, step.key),
        sources: settings.tellsSources ? sequences.map { ($0.source ?? Self.noSource, $0.labelCount) } : [])
    }
  }

  /// What rows without a source count as.
  package static let noSource = "none"

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
    let count = batch.stepWeight
    let labels = batch.packed.labelCount
    let noise =
      tape.records
      ? batch.noise?.values(batch.packed.layout, width: model.configuration.hiddenSize, on: model.compute) : nil
    let scored = try tape.crossEntropy(
      model.hiddenStates(tape, batch.packed, noise: noise), head: model.head, targets: batch.packed.targets,
      weights: batch.packed.weights.map { Float(Double($0) / count) }, emphasis: settings.emphasis,
      smoothing: Float(settings.smoothing), divergence: divergence(of: batch))
    let correct = scored.correct.count { $0 }
    let sum = scored.logProbabilities.reduce(0) { $0 - Double($1) }
    var measures = Measures(["accuracy": Measure(sum: Double(correct), weight: Double(labels))])
    var value = sum / count
    if !settings.isPlain {
      value = zip(lost(scored), batch.packed.weights).reduce(0) { $0 + $1.0 * Double($1.1) } / count
      measures.tell("nll", sum / Double(labels), weight: Double(labels))
    }
    if let anchor {
      let total = scored.divergences.reduce(0) { $0 + Double($1) }
      value +=
        anchor.weight / count
        * zip(scored.divergences, batch.packed.weights).reduce(0) { $0 + Double($1.0) * Double($1.1) }
      measures.tell("kl", total / Double(labels), weight: Double(labels))
    }
    if settings.emphasis != nil {
      measures.tell(
        "weight", scored.emphasis.reduce(0) { $0 + Double($1) } / Double(labels), weight: Double(labels))
    }
    var label = 0
    for (name, labels) in batch.sources where labels > 0 {
      let sum = scored.logProbabilities[label..<label + labels].reduce(0) { $0 - Double($1) }
      measures.tell("loss/\(name)", sum / Double(labels), weight: Double(labels))
      measures.count("tokens/\(name)", labels)
      label += labels
    }
    return StageLoss(
      loss: scored.loss, value: value, sum: Measure(sum: sum, weight: Double(labels)), labelTokens: labels,
      measures: measures)
  }

  /// What the other model says of the batch: one more forward pass.
  private func divergence(of batch: Batch) throws -> LabelDivergence? {
    try anchor.map { anchor in
      let tape = Tape(compute: anchor.model.compute, records: false, weights: anchor.epoch)
      return LabelDivergence(
        hidden: try anchor.model.hiddenStates(tape, batch.packed).value, head: anchor.model.head,
        direction: anchor.direction, weight: Float(anchor.weight))
    }
  }

  /// What each label loses, its divergence aside.
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
