/// A function with the weight that it has among others.
package struct RewardTerm {
  /// What measures call it.
  package var name: String
  package var weight: Double
  package var function: any RewardFunction

  package init(_ name: String, weight: Double = 1, _ function: any RewardFunction) {
    self.name = name
    self.weight = weight
    self.function = function
  }
}

/// Several reward functions as one: the sum of their rewards times their weights.
///
/// A function that declines a completion is left out of its sum; where all decline it has no reward.
package struct RewardSum {
  package let terms: [RewardTerm]

  package init(_ terms: [RewardTerm]) { self.terms = terms }

  package var weights: [Double] { terms.map(\.weight) }

  /// The rewards of completions, and what each function said.
  package func scores(of samples: [RewardSample]) throws -> RewardScores {
    let scored = try terms.map { term in
      let before = term.function.timeouts
      let rewards = try term.function.rewards(of: samples)
      return RewardScores.Term(
        name: term.name, weight: term.weight, rewards: rewards, timeouts: term.function.timeouts - before)
    }
    let totals = samples.indices.map { sample -> Double? in
      let parts = scored.compactMap { term in term.rewards[sample].map { term.weight * $0 } }
      return parts.isEmpty ? nil : parts.reduce(0, +)
    }
    return RewardScores(totals: totals, terms: scored)
  }

  /// Ends all functions.
  package func end() { for term in terms { term.function.end() } }
}
