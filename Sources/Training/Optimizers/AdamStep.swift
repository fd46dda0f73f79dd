import Glibc

/// What a step of Adam multiplies with, its moments corrected for having begun at zero.
struct AdamStep {
  /// 1 − β₁ᵗ.
  private let correction: Double
  /// √(1 − β₂ᵗ), by which the root of the second moment is divided.
  let root: Float
  private let step: OptimizerStep

  init(_ step: OptimizerStep, betas: [Double]) {
    self.step = step
    correction = 1 - pow(betas[0], Double(step.number))
    root = Float((1 - pow(betas[1], Double(step.number))).squareRoot())
  }

  /// What the direction of a parameter is multiplied with, and what stays of its value.
  func sizes(of head: SlotHead) -> (size: Float, kept: Float) {
    let rate = step.learningRate * head.rate
    return (Float(rate / correction), Float(1 - rate * head.weightDecay))
  }
}

extension Setting {
  /// β₁ and β₂, as all have them that build on Adam.
  static func betas(_ property: any WritableKeyPath<Owner, [Double]> & Sendable) -> Setting {
    .numbers("betas", property, .decay, count: 2, doc: "Decay rates of the two moments")
  }

  /// ε, as all have it that build on Adam.
  static func epsilon(_ property: any WritableKeyPath<Owner, Double> & Sendable) -> Setting {
    .number("epsilon", property, .atLeast(0), doc: "Added to the root of the second moment")
  }
}
