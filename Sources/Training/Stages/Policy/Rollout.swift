import PreciseJSON
import TokenShards

/// What the policy answered to a prompt, and what is known about it: of a round of sampling.
package struct Rollout: Sendable, Hashable {
  /// Which row of the set the prompt is.
  package var row: Int
  package var prompt: [Int32]
  /// With the token that ended it.
  package var completion: [Int32]
  /// Whether it was cut off before it came to an end.
  package var isTruncated: Bool
  /// What each reward function gave; nil where it had nothing to say.
  package var rewards: [Double?]
  /// The rewards by their weights; nil where no function had anything to say, and nothing is learned from it.
  package var reward: Double?
  /// log p of each token of the completion when it was sampled, as training computes it; empty where every step is taken
  /// on rollouts of its own, so that it is what the step finds.
  package var old: [Float] = []
  /// What the reference gives to each token; empty without one.
  package var reference: [Float] = []
  /// What a critic expected before each token; empty without one.
  package var values: [Float] = []
  /// By how much the completion, or each of its tokens, was better than expected.
  package var advantages: [Double] = []
  /// What a critic should have expected before each token; empty without one.
  package var returns: [Double] = []

  package init(
    row: Int, prompt: [Int32], completion: [Int32], isTruncated: Bool, rewards: [Double?] = [], reward: Double? = nil
  ) {
    self.row = row
    self.prompt = prompt
    self.completion = completion
    self.isTruncated = isTruncated
    self.rewards = rewards
    self.reward = reward
  }

  /// The prompt with the completion, all of which is learned.
  var sequence: TokenSequence {
    TokenSequence(
      role: .sample, ids: prompt + completion,
      lossMask: [Bool](repeating: false, count: prompt.count) + [Bool](repeating: true, count: completion.count))
  }

  /// What a checkpoint holds of it.
  var json: JSON {
    func numbers(_ values: some Sequence<Double?>) -> JSON { .array(values.map { $0.map { JSON($0) } ?? .null }) }
    return [
      "row": JSON(row), "prompt": .array(prompt.map { JSON(Int($0)) }),
      "completion": .array(completion.map { JSON(Int($0)) }), "truncated": JSON(isTruncated),
      "rewards": numbers(rewards), "reward": numbers([reward]), "old": numbers(old.map { Double($0) }),
      "reference": numbers(reference.map { Double($0) }), "values": numbers(values.map { Double($0) }),
      "advantages": numbers(advantages), "returns": numbers(returns),
    ]
  }

  init?(json: JSON) {
    func ids(_ key: String) -> [Int32]? {
      json[key]?.array?.compactMap { $0.int.flatMap { Int32(exactly: $0) } }
    }
    func numbers(_ key: String) -> [Double?]? { json[key]?.array?.map(\.double) }
    func floats(_ key: String) -> [Float]? { numbers(key)?.compactMap { $0.map { Float($0) } } }
    guard let row = json["row"]?.int, let prompt = ids("prompt"), let completion = ids("completion"),
      let isTruncated = json["truncated"]?.bool, let rewards = numbers("rewards"), let reward = numbers("reward"),
      let old = floats("old"), let reference = floats("reference"), let values = floats("values"),
      let advantages = numbers("advantages"), let returns = numbers("returns")
    else { return nil }
    self.init(
      row: row, prompt: prompt, completion: completion, isTruncated: isTruncated, rewards: rewards,
      reward: reward.first ?? nil)
    self.old = old
    self.reference = reference
    self.values = values
    self.advantages = advantages.compactMap { $0 }
    self.returns = returns.compactMap { $0 }
  }
}
