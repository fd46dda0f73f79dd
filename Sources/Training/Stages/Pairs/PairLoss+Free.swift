import Glibc

extension PairLoss {
  /// The losses of contrastive preference optimisation (arXiv:2401.08417), which needs no reference.
  package static let contrastive: [PairLoss] = [
    PairLoss("sigmoid", "−log σ(x)", smoothed: true) { $0.smoothed },
    PairLoss("hinge", "max(0, 1 − x)") { terms in
      terms.x < 1 ? Slope(1 - terms.x, -terms.beta) : Slope(0, 0)
    },
    PairLoss("ipo", "(C − R − 1/2β)², of means over tokens", ofMeans: true) { terms in
      let off = terms.chosen - terms.rejected - 1 / (2 * terms.beta)
      return Slope(off * off, 2 * off)
    },
  ]

  /// −log σ(x − γ), of means over tokens (arXiv:2405.14734).
  package static let simple = PairLoss(
    "simpo", "−log σ(x − γ), of means over tokens (arXiv:2405.14734)", ofMeans: true, smoothed: true
  ) { terms in
    let x = terms.x - terms.margin
    return Slope(
      (1 - terms.smoothing) * softplus(-x) + terms.smoothing * softplus(x),
      terms.beta * (terms.smoothing * sigmoid(x) - (1 - terms.smoothing) * sigmoid(-x)))
  }

  /// −C − β · log σ(log-odds of chosen less log-odds of rejected), of means over tokens (arXiv:2403.07691).
  package static let oddsRatio = PairLoss(
    "orpo", "−C − β · log σ of the difference of the log-odds, of means over tokens (arXiv:2403.07691)", ofMeans: true,
    ofDifference: false
  ) { terms in
    let difference = logOdds(terms.chosen) - logOdds(terms.rejected)
    let slope = -terms.beta * sigmoid(-difference)
    return Slope(
      -terms.chosen + terms.beta * softplus(-difference), -1 + slope * logOddsSlope(terms.chosen),
      -slope * logOddsSlope(terms.rejected))
  }

  /// log p − log(1 − p) for a log-probability a; kept finite where an answer is certain.
  static func logOdds(_ a: Double) -> Double { certain(a) - log(-expm1(certain(a))) }

  /// The derivative of ``logOdds(_:)``: 1 ÷ (1 − p).
  private static func logOddsSlope(_ a: Double) -> Double { -1 / expm1(certain(a)) }

  private static func certain(_ a: Double) -> Double { min(a, -1e-12) }
}
