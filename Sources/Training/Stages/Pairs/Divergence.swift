import Glibc

/// What takes the place of log-ratios in a loss of their difference.
package enum Divergence: Sendable, Hashable {
  /// Forward Kullback–Leibler divergence: −e⁻ᵗ (arXiv:2309.16240).
  case forward
  /// Jensen–Shannon divergence: log σ(t).
  case jensenShannon
  /// α-divergence: −e^(−αt) ÷ α.
  case alpha(Double)
  /// The reward of AlphaPO: (1 − e^(−αt)) ÷ α of the mean log-probability t (arXiv:2501.03884).
  case alphaReward(Double)

  /// The largest exponent, above which the value stays and the slope is 0.
  private static let most = 709.0

  func callAsFunction(_ t: Double) -> Double {
    switch self {
    case .forward: -exp(min(-t, Self.most))
    case .jensenShannon: -softplus(-t)
    case .alpha(let alpha): -exp(min(-alpha * t, Self.most)) / alpha
    case .alphaReward(let alpha): -expm1(min(-alpha * t, Self.most)) / alpha
    }
  }

  func slope(_ t: Double) -> Double {
    switch self {
    case .forward: -t > Self.most ? 0 : exp(-t)
    case .jensenShannon: sigmoid(-t)
    case .alpha(let alpha), .alphaReward(let alpha): -alpha * t > Self.most ? 0 : exp(-alpha * t)
    }
  }

  /// Whether rewards are shown as it makes them.
  var isShown: Bool { if case .alphaReward = self { true } else { false } }
}
