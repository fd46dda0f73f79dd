/// The rewards of some completions, and what each function gave.
package struct RewardScores: Sendable, Hashable {
  /// What one function gave, without its weight.
  package struct Term: Sendable, Hashable {
    package var name: String
    package var weight: Double
    /// By completion; nil where it declined.
    package var rewards: [Double?]
    /// How many of those that it declined took it too long.
    package var timeouts: Int

    package var statistics: RewardStatistics { RewardStatistics(rewards) }
  }

  /// By completion; nil where every function declined.
  package var totals: [Double?]
  package var terms: [Term]

  package var statistics: RewardStatistics { RewardStatistics(totals) }

  /// What the functions gave to each completion, in the order of the functions.
  package var bySample: [[Double?]] { totals.indices.map { sample in terms.map { $0.rewards[sample] } } }
}

/// Mean and spread of rewards.
package struct RewardStatistics: Sendable, Hashable {
  /// How many there are.
  package var count: Int
  /// How many completions have none.
  package var declined: Int
  /// Nil where there is none.
  package var mean: Double?
  /// The standard deviation, divided by one less than their number; nil for fewer than two.
  package var deviation: Double?

  package init(_ rewards: [Double?]) {
    let given = rewards.compactMap(\.self)
    count = given.count
    declined = rewards.count - given.count
    guard !given.isEmpty else { return }
    let mean = given.reduce(0, +) / Double(given.count)
    self.mean = mean
    guard given.count > 1 else { return }
    deviation = (given.reduce(0) { $0 + ($1 - mean) * ($1 - mean) } / Double(given.count - 1)).squareRoot()
  }
}
