import Decoding
import LanguageModels
import Tensors
import TokenShards

/// Where the rollouts of a round come from.
package protocol RolloutSource {
  /// What tells the source from others.
  var identity: String { get }
  /// What measures call the reward functions, in their order.
  var rewardNames: [String] { get }

  /// Completions of the prompts of a step, those of a prompt one after the other, with their rewards, with what the policy
  /// gave to their tokens where that is wanted, and with what the reference gives, where there is one.
  func rollouts(of step: StageStep) throws -> [Rollout]

  /// What it remembers in tensors, from ``begin(_:)`` on; a checkpoint holds them.
  var tensors: [NamedTensor] { get }

  /// Told of the model before the first step.
  func begin(_ model: LanguageModel)

  /// Told of each step before its batches are laid out.
  func passed(step: StageStep)

  /// The order in which a pass over the rollouts of a round takes them.
  func order(of count: Int, pass: Int, key: RandomKey) -> [Int]
}

extension RolloutSource {
  package var rewardNames: [String] { [] }
  package var tensors: [NamedTensor] { [] }
  package func begin(_ model: LanguageModel) {}
  package func passed(step: StageStep) {}

  /// The first pass takes them as they come, each of the others in an order of its own.
  package func order(of count: Int, pass: Int, key: RandomKey) -> [Int] {
    guard pass > 0 else { return Array(0..<count) }
    var random = CounterRandom(key: key.child(UInt64(pass)))
    return random.permutation(count)
  }
}

/// Rollouts of the longest completions, without a model: what memory a round takes is counted with them.
package struct ForeseenRollouts: RolloutSource {
  private let size: Int
  private let tokens: Int

  /// - Parameters:
  ///   - size: Completions of a prompt.
  ///   - tokens: The most of a completion.
  package init(size: Int, tokens: Int) {
    self.size = size
    self.tokens = tokens
  }

  package var identity: String { "\(size) \(tokens)" }

  package func rollouts(of step: StageStep) -> [Rollout] {
    let longest = step.rows.map(\.tokenCount).max() ?? 1
    // The keys and values of sampling, which are gone before the step.
    _ = step.model.keyValueCache(
      capacity: longest + tokens, slots: min(CompletionSampler.usualSlots, step.rows.count * size))
    return zip(step.rows, step.numbers).flatMap { row, number in
      (0..<size).map { place in
        var rollout = Rollout(
          row: number, prompt: row.sequences.first?.ids ?? [0], completion: [Int32](repeating: 0, count: tokens),
          isTruncated: false, reward: Double(place))
        rollout.old = [Float](repeating: -1, count: tokens)
        rollout.reference = rollout.old
        return rollout
      }
    }
  }
}
