import Tensors

/// The loss of one batch and what is told about it.
package struct StageLoss {
  /// A scalar: this batch's part of the step's loss.
  package var loss: Variable
  /// The same number as precisely as it is known.
  package var value: Double
  /// What the batch adds to the sum that a mean over a whole set is made of, and the weight it has there.
  package var sum: Measure
  package var labelTokens: Int
  /// More numbers for the metrics, by name: the record holds Σ sum ÷ Σ weight.
  package var measures: Measures

  package init(loss: Variable, value: Double, sum: Measure, labelTokens: Int, measures: Measures = Measures()) {
    self.loss = loss
    self.value = value
    self.sum = sum
    self.labelTokens = labelTokens
    self.measures = measures
  }
}

/// A mean in the making; a total where it has no weight.
package struct Measure: Sendable, Hashable {
  package var sum: Double
  package var weight: Double

  package init(sum: Double = 0, weight: Double = 0) {
    self.sum = sum
    self.weight = weight
  }

  package var mean: Double { weight == 0 ? sum : sum / weight }

  package static func += (measure: inout Measure, other: Measure) {
    measure.sum += other.sum
    measure.weight += other.weight
  }
}

/// Means in the making, by name.
package struct Measures: Sendable, Hashable {
  package private(set) var named: [String: Measure]

  package init(_ named: [String: Measure] = [:]) { self.named = named }

  /// Counts one more number, or the mean of as many as the weight says.
  package mutating func tell(_ name: String, _ number: Double, weight: Double = 1) {
    named[name, default: Measure()] += Measure(sum: number * weight, weight: weight)
  }

  /// Adds to what is told as a total, not as a mean.
  package mutating func count(_ name: String, _ number: Int) {
    named[name, default: Measure()] += Measure(sum: Double(number))
  }

  package mutating func add(_ other: Measures) {
    for (name, measure) in other.named { named[name, default: Measure()] += measure }
  }

  /// The means, by name.
  package var means: [(name: String, value: Double)] {
    named.sorted { $0.key < $1.key }.map { ($0.key, $0.value.mean) }
  }
}
