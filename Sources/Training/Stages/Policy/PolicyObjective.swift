import Glibc

/// What makes a completion likelier that was better than expected: objectives of group-relative policy optimisation.
package struct PolicyObjective: Sendable, Hashable {
  package enum Kind: String, Sendable, CaseIterable {
    /// The mean over a completion's tokens, its mean over completions (arXiv:2402.03300).
    case grpo
    /// The mean over all tokens of the step.
    case bnpo
    /// As `bnpo` (arXiv:2503.14476); its clipping and its penalty for long completions are settings of their own.
    case dapo
    /// The sum over all tokens, divided by completions × the longest completion allowed (arXiv:2503.20783).
    case drGRPO = "dr_grpo"
    /// −min(ρ, cap) · A · log π with the first factor a constant, the mean over all tokens (arXiv:2506.13585).
    case cispo
    /// As `grpo` with one ratio a completion, exp(mean of log π − log old) (arXiv:2507.18071).
    case gspo
    /// One ratio a completion, exp(Σ log π − Σ log old); its mean over completions (arXiv:2402.14740).
    case rloo
  }

  package var kind: Kind
  /// ρ counts from 1 − this on where the advantage is below 0.
  package var epsilonLow: Double
  /// ρ counts up to 1 + this where the advantage is above 0.
  package var epsilonHigh: Double
  /// The most that ρ counts where the advantage is below 0; nil without a bound.
  package var delta: Double?
  /// The most that ρ counts in `cispo`.
  package var cap: Double
  /// What k3, an estimate of the divergence from the reference, counts a token.
  package var beta: Double
  /// The longest completion allowed, for `dr_grpo`.
  package var longest: Int

  package init(
    _ kind: Kind, epsilonLow: Double = 0.2, epsilonHigh: Double = 0.2, delta: Double? = nil, cap: Double = 5,
    beta: Double = 0, longest: Int = 1
  ) {
    self.kind = kind
    self.epsilonLow = epsilonLow
    self.epsilonHigh = epsilonHigh
    self.delta = delta
    self.cap = cap
    self.beta = beta
    self.longest = longest
  }

  /// A token of a completion.
  package struct Token: Sendable, Hashable {
    package var loss: Double
    /// Of the loss by the token's log π; for one ratio a completion, of all the completion's losses.
    package var derivative: Double
    package var ratio: Double
    package var isClippedLow: Bool
    package var isClippedHigh: Bool
    /// k3; nil without a reference.
    package var divergence: Double?
  }

  /// The tokens of a completion.
  ///
  /// - Parameters:
  ///   - policy: log π of each.
  ///   - old: The same when it was sampled.
  ///   - reference: The same of the reference; nil without one.
  package func callAsFunction(
    policy: [Double], old: [Double], advantage: Double, reference: [Double]? = nil
  ) -> [Token] {
    let differences = zip(policy, old).map { $0 - $1 }
    let sum = differences.reduce(0, +)
    let count = Double(policy.count)
    return policy.indices.map { index in
      // With one ratio, each token of a completion moves it by as much.
      let (ratio, share): (Double, Double) =
        switch kind {
        case .gspo: (exp(sum / count), 1)
        case .rloo: (exp(sum), count)
        default: (exp(differences[index]), 1)
        }
      var token = token(ratio, advantage, policy[index])
      token.derivative *= share
      if let reference {
        let away = reference[index] - policy[index]
        token.divergence = exp(away) - away - 1
        token.loss += beta * (exp(away) - away - 1)
        token.derivative += beta * (1 - exp(away))
      }
      return token
    }
  }

  private func token(_ ratio: Double, _ advantage: Double, _ policy: Double) -> Token {
    if kind == .cispo {
      let factor = min(ratio, cap)
      return Token(
        loss: -factor * advantage * policy, derivative: -factor * advantage, ratio: ratio, isClippedLow: false,
        isClippedHigh: ratio > cap && advantage > 0)
    }
    let bounded = min(ratio, delta ?? .infinity)
    let clipped = min(max(ratio, 1 - epsilonLow), 1 + epsilonHigh)
    let isFree = bounded * advantage <= clipped * advantage
    return Token(
      loss: -min(bounded * advantage, clipped * advantage),
      derivative: isFree && bounded == ratio ? -ratio * advantage : 0, ratio: ratio,
      isClippedLow: ratio < 1 - epsilonLow && advantage < 0,
      isClippedHigh: ratio > 1 + epsilonHigh && advantage > 0)
  }

  /// What a token's loss counts in the step's.
  ///
  /// - Parameters:
  ///   - tokens: Of its completion.
  ///   - step: All completions of the step, and their tokens.
  package func weight(tokens: Int, step: (completions: Int, tokens: Int)) -> Double {
    switch kind {
    case .grpo, .gspo, .rloo: 1 / (Double(tokens) * Double(step.completions))
    case .bnpo, .dapo, .cispo: 1 / Double(step.tokens)
    case .drGRPO: 1 / (Double(step.completions) * Double(longest))
    }
  }
}
