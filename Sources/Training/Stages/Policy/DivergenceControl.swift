/// What the divergence from the reference counts, held near a target from round to round (arXiv:1909.08593, §2.2).
package struct DivergenceControl: Sendable, Hashable {
  package var coefficient: Double
  /// Σ (log old − log ref) of a completion that is aimed at; nil leaves the coefficient as it is.
  package var target: Double?
  /// Completions over which the coefficient moves.
  package var horizon: Double

  package init(coefficient: Double, target: Double? = nil, horizon: Double = 10_000) {
    self.coefficient = coefficient
    self.target = target
    self.horizon = horizon
  }

  /// Takes the mean divergence of a round of completions into account.
  package mutating func see(_ divergence: Double, completions: Int) {
    guard let target else { return }
    let error = min(max(divergence / target - 1, -0.2), 0.2)
    coefficient *= 1 + error * Double(completions) / horizon
  }
}

/// The mean and the deviation of all numbers so far.
package struct RunningMoments: Sendable, Hashable {
  package private(set) var count = 0.0
  package private(set) var mean = 0.0
  private(set) var squares = 0.0

  package init() {}

  init(count: Double, mean: Double, squares: Double) {
    self.count = count
    self.mean = mean
    self.squares = squares
  }

  /// With n − 1; 0 of fewer than two numbers.
  package var deviation: Double { count > 1 ? (squares / (count - 1)).squareRoot() : 0 }

  package mutating func add(_ numbers: some Sequence<Double>) {
    for number in numbers {
      count += 1
      let away = number - mean
      mean += away / count
      squares += away * (number - mean)
    }
  }
}
