import LanguageModels
import Tensors
import TokenShards

/// Supervised fine-tuning: the sum of −log p over all label tokens of a step, divided by their count.
///
/// Long answers weigh more than short ones, and batch size times accumulation splits change nothing.
package struct SupervisedStage: TrainingStage {
  package struct Batch {
    package let packed: PackedBatch
    /// The label tokens of the whole step.
    package let stepLabels: Int
  }

  package init() {}

  package var identity: String { "\(Self.self)" }

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
      weights: [Float](repeating: Float(1 / count), count: labels))
    let correct = scored.correct.count { $0 }
    let sum = scored.logProbabilities.reduce(0) { $0 - Double($1) }
    return StageLoss(
      loss: scored.loss, value: sum / count, sum: Measure(sum: sum, weight: Double(labels)), labelTokens: labels,
      measures: Measures(["accuracy": Measure(sum: Double(correct), weight: Double(labels))]))
  }
}
