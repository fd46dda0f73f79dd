extension Measures {
  /// What is told of a round of sampling.
  ///
  /// - Parameters:
  ///   - size: The completions of a prompt.
  ///   - names: The reward functions.
  static func ofRound(_ rollouts: [Rollout], size: Int, _ names: [String]) -> Measures {
    var measures = Measures()
    for rollout in rollouts {
      if let reward = rollout.reward { measures.tell("reward", reward) }
      for (name, reward) in zip(names, rollout.rewards) {
        if let reward { measures.tell("reward_\(name)", reward) }
      }
      measures.tell("completion_tokens", Double(rollout.completion.count))
      measures.tell("truncated", rollout.isTruncated ? 1 : 0)
    }
    guard size > 1 else { return measures }
    let rewards = rollouts.map(\.reward)
    let (dead, all) = Advantages.dead(rewards, size: size)
    measures.tell("dead_groups", Double(dead) / Double(max(1, all)), weight: Double(all))
    for start in stride(from: 0, to: rewards.count, by: size) {
      let known = rewards[start..<min(rewards.count, start + size)].compactMap { $0 }
      measures.tell("reward_deviation", Advantages.spread(known))
    }
    return measures
  }
}
