import LanguageModels
import Tensors
import TokenShards

/// Supervised fine-tuning: the sum of −log p over all label tokens of a step, divided by their count.
///
/// Long answers weigh more than short ones, and batch size times accumulation splits change nothing. With an emphasis the
/// loss is told beside −log p (`nll`), which is what is measured of a set: the loss itself may rise while the model learns.
package struct SupervisedStage: TrainingStage {
  package struct Batch {
    package let packed: PackedBatch
    /// The label tokens of the whole step.
    package let stepLabels: Int
  }

  /// What a label counts by what the model says of it; nil where all count alike.
  package let emphasis: LabelEmphasis?

  package init(_ emphasis: LabelEmphasis? = nil) { self.emphasis = emphasis }

  package var identity: String { "\(Self.self)" + (emphasis.map { " \($0)" } ?? "") }

  package func batches(of step: StageStep) -> [Batch] {
    let stepLabels = step.rows.reduce(0) { $0 + $1.labelCount }
    return step.runs
      .map { run in
        PackedBatch(
          step.rows[run].lazy.flatMap(\.sequences).map { LabelledSequence(ids: $0.ids, lossMask: $0.lossMask) },
          sharesPrefixes: step.rules.sharesPrefixes)
      }
      .filter { $0.labelCount > 0 }
      .map { Batch(packed: $0, stepLabels: stepLabels) }
  }

  package func loss(of batch: Batch, model: LanguageModel, on tape: Tape) throws -> StageLoss {
    let count = Double(batch.stepLabels)
    let labels = batch.packed.labelCount
    let scored = try tape.crossEntropy(
      model.hiddenStates(tape, batch.packed), head: model.head, targets: batch.packed.targets,
      weights: [Float](repeating: Float(1 / count), count: labels), emphasis: emphasis)
    let correct = scored.correct.count { $0 }
    let sum = scored.logProbabilities.reduce(0) { $0 - Double($1) }
    var measures = Measures(["accuracy": Measure(sum: Double(correct), weight: Double(labels))])
    var value = sum / count
    if emphasis != nil {
      value = zip(scored.logProbabilities, scored.emphasis).reduce(0) { $0 - Double($1.0) * Double($1.1) } / count
      measures.tell("nll", sum / Double(labels), weight: Double(labels))
      measures.tell(
        "weight", scored.emphasis.reduce(0) { $0 + Double($1) } / Double(labels), weight: Double(labels))
    }
    return StageLoss(
      loss: scored.loss, value: value, sum: Measure(sum: sum, weight: Double(labels)), labelTokens: labels,
      measures: measures)
  }
}
