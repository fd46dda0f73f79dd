import Glibc
import PreciseJSON
import Tensors

/// Whether a training starts with a loss that the model can have.
package struct FirstLoss: SanityCheck {
  package static let name = "first_loss"

  package enum Expectation: Sendable, Hashable {
    /// −log p of tokens of a vocabulary: what a uniform guess gets, give or take what rare words cost.
    case tokens(vocabulary: Int)
    /// A policy that is its own reference has rewards of zero: −log ½, give or take what rounding makes of β times a
    /// difference of that many nats.
    case ownReference(beta: Double, rounding: Double)
  }

  /// Above a uniform guess by this much, in nats: few rows may be odd, but not so odd.
  static let aboveGuessing = 1.0
  /// Below this, the answers stand in what the model is given, or it knows them by heart.
  static let nearZero = 0.01

  package var loss: Double
  package var expectation: Expectation

  package init(_ loss: Double, _ expectation: Expectation) {
    self.loss = loss
    self.expectation = expectation
  }

  /// What sums of log-probabilities of an answer differ by, in nats, when its tokens are computed in another company.
  static func rounding(_ computeClass: ComputeClass) -> Double { computeClass.takesBF16 ? 1 : 0.02 }

  /// What the loss may be.
  package var range: ClosedRange<Double> {
    switch expectation {
    case .tokens(let vocabulary): Self.nearZero...log(Double(max(2, vocabulary))) + Self.aboveGuessing
    case .ownReference(let beta, let rounding):
      // The loss falls by half of the margin.
      log(2) - beta * rounding / 2...log(2) + beta * rounding / 2
    }
  }

  package var verdict: SanityVerdict { range.contains(loss) ? .fine : .warning }

  package var evidence: [(key: String, value: JSON)] {
    [("loss", JSON(loss)), ("least", JSON(range.lowerBound)), ("most", JSON(range.upperBound))]
  }
}
