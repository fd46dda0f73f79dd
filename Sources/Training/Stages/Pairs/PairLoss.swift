import Glibc

/// A loss over a pair of a preferred and another answer: a line of arithmetic on what two models give to them.
///
/// With C and R the log-probabilities of the chosen and the rejected answer (where there is a reference: less those that it
/// gives), u = βC, v = βR and x = u − v; sp(x) = log(1 + eˣ).
package struct PairLoss: Sendable {
  package let name: String
  package let doc: String
  /// Whether C and R are means over the answer's tokens instead of sums.
  package let isOfMeans: Bool
  /// Which values of a whole step are sorted before they are compared; nil compares pair by pair.
  package let sorting: Sorting?
  /// Whether it is a function of C − R alone, so that a divergence may take the place of the log-ratios.
  package let isOfDifference: Bool
  /// Whether a label smoothing changes it.
  package let takesLabelSmoothing: Bool
  let value: @Sendable (_ terms: PairTerms) -> Slope

  /// What optimal transport compares (arXiv:2406.05882).
  package enum Sorting: Sendable {
    /// The policy's differences C − R with the reference's.
    case differences
    /// What chosen answers get with what rejected answers get.
    case answers
  }

  /// A loss with its derivatives by C and R.
  package struct Slope: Sendable, Hashable {
    package var loss: Double
    package var chosen: Double
    package var rejected: Double

    init(_ loss: Double, _ chosen: Double, _ rejected: Double) {
      self.loss = loss
      self.chosen = chosen
      self.rejected = rejected
    }

    /// A loss of the difference with its derivative by C.
    init(_ loss: Double, _ derivative: Double) { self.init(loss, derivative, -derivative) }
  }

  init(
    _ name: String, _ doc: String, ofMeans: Bool = false, sorting: Sorting? = nil, ofDifference: Bool = true,
    smoothed: Bool = false, _ value: @escaping @Sendable (PairTerms) -> Slope
  ) {
    self.name = name
    self.doc = doc
    isOfMeans = ofMeans
    self.sorting = sorting
    isOfDifference = ofDifference
    takesLabelSmoothing = smoothed
    self.value = value
  }
}

/// What a loss of a pair reads.
struct PairTerms {
  /// C and R.
  var chosen: Double
  var rejected: Double
  var beta: Double
  /// ε: the share of pairs that are believed to be the wrong way round.
  var smoothing = 0.0
  /// γ: the margin that the chosen answer is to have.
  var margin = 0.0
  /// The running mean of rewards.
  var shift = 0.0

  var u: Double { beta * chosen }
  var v: Double { beta * rejected }
  var x: Double { u - v }

  /// (1 − ε) · sp(−x) + ε · sp(x) and its derivative.
  var smoothed: PairLoss.Slope {
    PairLoss.Slope(
      (1 - smoothing) * softplus(-x) + smoothing * softplus(x),
      beta * (smoothing * sigmoid(x) - (1 - smoothing) * sigmoid(-x)))
  }
}

/// log(1 + eˣ), also where eˣ overflows.
func softplus(_ x: Double) -> Double { max(x, 0) + log1p(exp(-abs(x))) }

func sigmoid(_ x: Double) -> Double { x >= 0 ? 1 / (1 + exp(-x)) : exp(x) / (1 + exp(x)) }
