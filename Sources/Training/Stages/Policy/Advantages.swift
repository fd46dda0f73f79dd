/// By how much completions of one prompt are better than its others.
package enum Advantages {
  /// What the differences within a group are divided by.
  package enum Scale: String, Sendable, CaseIterable {
    /// The group's own deviation (arXiv:2402.03300).
    case group
    /// The deviation of all rewards of the round.
    case batch
    /// Nothing (arXiv:2503.20783).
    case none
  }

  /// Below this, the rewards of a group count as the same.
  static let least = 1e-8
  /// Added to deviations.
  private static let floor = 1e-4

  /// The reward less the mean of its group: nil where there is no reward.
  ///
  /// Deviations divide by n − 1. Groups without differences get nothing but zeros.
  /// - Parameters:
  ///   - rewards: Those of a group one after the other.
  ///   - size: The completions of a group.
  package static func relative(_ rewards: [Double?], size: Int, scale: Scale) -> [Double?] {
    let all = spread(rewards.compactMap { $0 })
    return groups(rewards, size) { group, known in
      let (mean, own) = (average(known), spread(known))
      let divisor =
        switch scale {
        case .group: own + floor
        case .batch: all + floor
        case .none: 1.0
        }
      return group.map { reward in reward.map { own < least ? 0 : ($0 - mean) / divisor } }
    }
  }

  /// The reward less the mean of the group's others (arXiv:2402.14740), over all of the round made to a mean of 0 and a
  /// deviation of 1 where that is asked for.
  package static func leaveOneOut(_ rewards: [Double?], size: Int, normalizes: Bool) -> [Double?] {
    let found = groups(rewards, size) { group, known in
      let (mean, count) = (average(known), Double(known.count))
      let isDead = spread(known) < least
      return group.map { reward in reward.map { isDead ? 0 : ($0 - mean) * count / (count - 1) } }
    }
    guard normalizes else { return found }
    let known = found.compactMap { $0 }
    let (mean, deviation) = (average(known), spread(known))
    return found.map { $0.map { ($0 - mean) / (deviation + floor) } }
  }

  /// The groups among whose rewards there is no difference, and all groups.
  package static func dead(_ rewards: [Double?], size: Int) -> (dead: Int, all: Int) {
    let flags = groups(rewards, size) { _, known in [spread(known) < least] }
    return (flags.count { $0 }, flags.count)
  }

  private static func groups<Element>(
    _ rewards: [Double?], _ size: Int, _ body: (_ group: ArraySlice<Double?>, _ known: [Double]) -> [Element]
  ) -> [Element] {
    stride(from: 0, to: rewards.count, by: size).flatMap { start in
      let group = rewards[start..<min(rewards.count, start + size)]
      return body(group, group.compactMap { $0 })
    }
  }

  static func average(_ numbers: [Double]) -> Double {
    numbers.isEmpty ? 0 : numbers.reduce(0, +) / Double(numbers.count)
  }

  /// With n − 1; 0 of fewer than two numbers.
  static func spread(_ numbers: [Double]) -> Double {
    guard numbers.count > 1 else { return 0 }
    let mean = average(numbers)
    return (numbers.reduce(0) { $0 + ($1 - mean) * ($1 - mean) } / Double(numbers.count - 1)).squareRoot()
  }
}
