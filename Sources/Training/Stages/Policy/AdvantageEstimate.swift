import Glibc

/// What tokens of a completion were worth, from a score at its end and a critic's expectations (arXiv:1506.02438).
package struct AdvantageEstimate: Sendable, Hashable {
  /// How the divergence from the reference is estimated of a token.
  package enum Divergence: String, Sendable, CaseIterable {
    /// log old − log ref.
    case k1
    /// e^d − d − 1 with d = log ref − log old.
    case k3
  }

  /// What the next token's worth counts.
  package var gamma: Double
  /// How far surprises reach back.
  package var lambda: Double
  package var divergence: Divergence

  package init(gamma: Double = 1, lambda: Double = 0.95, divergence: Divergence = .k1) {
    self.gamma = gamma
    self.lambda = lambda
    self.divergence = divergence
  }

  /// The rewards of a completion's tokens: what the divergence takes from each, and the score at the last one.
  ///
  /// - Parameters:
  ///   - reference: Empty without one.
  ///   - coefficient: What the divergence counts.
  package func rewards(old: [Double], reference: [Double], score: Double, coefficient: Double) -> [Double] {
    var rewards = old.indices.map { index -> Double in
      guard !reference.isEmpty else { return 0 }
      let away = reference[index] - old[index]
      return -coefficient * (divergence == .k1 ? -away : exp(away) - away - 1)
    }
    if !rewards.isEmpty { rewards[rewards.count - 1] += score }
    return rewards
  }

  /// - Parameter values: What the critic expected before each token; after the last one it is 0.
  package func callAsFunction(rewards: [Double], values: [Double]) -> (advantages: [Double], returns: [Double]) {
    var advantages = [Double](repeating: 0, count: rewards.count)
    var after = 0.0
    for index in rewards.indices.reversed() {
      let following = index + 1 < values.count ? values[index + 1] : 0
      after = rewards[index] + gamma * following - values[index] + gamma * lambda * after
      advantages[index] = after
    }
    return (advantages, zip(advantages, values).map { $0 + $1 })
  }

  /// Numbers of a round made to a deviation of 1, and to a mean of 0 unless that is kept; variances divide by n − 1.
  package static func whitened(_ lists: [[Double]], keepsMean: Bool = false) -> [[Double]] {
    let all = lists.flatMap { $0 }
    let mean = Advantages.average(all)
    let deviation = Advantages.spread(all)
    let factor = 1 / (deviation * deviation + 1e-8).squareRoot()
    return lists.map { $0.map { ($0 - mean) * factor + (keepsMean ? mean : 0) } }
  }
}
