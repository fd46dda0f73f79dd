/// Gives completions what they are worth.
package protocol RewardFunction {
  /// The rewards of completions, one each, in their order; nil where the function has nothing to say about one.
  ///
  /// - Throws: ``RewardError`` for what cannot be judged at all.
  func rewards(of samples: [RewardSample]) throws -> [Double?]

  /// How many completions so far were declined because judging them took too long.
  var timeouts: Int { get }

  /// Gives back what the function holds; it is not asked again.
  func end()
}

extension RewardFunction {
  package var timeouts: Int { 0 }
  package func end() {}
}

/// A function that looks at one completion after the other and holds nothing.
package protocol SampleReward: RewardFunction {
  /// The reward of a completion; nil where the function has nothing to say about it.
  func reward(of sample: RewardSample) throws -> Double?
}

extension SampleReward {
  package func rewards(of samples: [RewardSample]) throws -> [Double?] { try samples.map { try reward(of: $0) } }
}
