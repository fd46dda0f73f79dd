import LanguageModels
import Tensors
import TokenShards

/// How well the policy answers prompts: its mean reward, with a loss that is the reward's negative.
///
/// Nothing is learned: rollouts are sampled once and counted.
package struct MeasuredPolicy<Source: RolloutSource>: TrainingStage {
  package struct Batch {
    let rollouts: [Rollout]
  }

  package static var samplesRows: Bool { true }

  package let source: Source

  package init(_ source: Source) { self.source = source }

  package static var measureNames: [String] {
    ["reward", "reward_*", "completion_tokens", "truncated", "dead_groups"]
  }

  package var identity: String { "\(Self.self) \(source.identity)" }

  package func batches(of step: StageStep) throws -> [Batch] { [Batch(rollouts: try source.rollouts(of: step))] }

  package func loss(of batch: Batch, model: LanguageModel, on tape: Tape) throws -> StageLoss {
    let rewards = batch.rollouts.compactMap(\.reward)
    let sum = rewards.reduce(0, +)
    let loss = Tensor(shape: [1], values: [Float(-sum)])
    return StageLoss(
      loss: Variable(loss), value: -sum, sum: Measure(sum: -sum, weight: Double(rewards.count)),
      labelTokens: batch.rollouts.reduce(0) { $0 + $1.completion.count },
      measures: .ofRound(batch.rollouts, size: 1, source.rewardNames))
  }
}
