/// A number of evaluations that tells which weights are better.
package struct HeldOutMeasure: Sendable, Hashable {
  package enum Goal: String, Sendable, CaseIterable {
    case lower
    case higher
  }

  /// As evaluations name it: `loss`.
  package var name: String
  package var goal: Goal

  package init(_ name: String = "loss", _ goal: Goal = .lower) {
    self.name = name
    self.goal = goal
  }

  /// Whether a value is better than another by more than `difference`.
  func isBetter(_ value: Double, than other: Double, by difference: Double = 0) -> Bool {
    switch goal {
    case .lower: value < other - difference
    case .higher: value > other + difference
    }
  }
}

/// When a training ends because held-out rows no longer profit.
package struct EarlyStopping: Sendable, Hashable {
  /// How many evaluations in a row may bring nothing better.
  package var patience = 3
  /// How much better than the best a value must be to count.
  package var difference = 0.0

  package init(patience: Int = 3, difference: Double = 0) {
    self.patience = patience
    self.difference = difference
  }

  /// Whether these values, in the order they were found, say to stop.
  ///
  /// A function of all of them, so that nothing has to be remembered beside them.
  func isOver(_ values: [Double], _ measure: HeldOutMeasure) -> Bool {
    guard var best = values.first else { return false }
    var bad = 0
    for value in values.dropFirst() {
      if measure.isBetter(value, than: best, by: difference) {
        (best, bad) = (value, 0)
      } else {
        bad += 1
      }
    }
    return bad >= patience
  }

  func validate() throws(TrainingError) {
    try check("early_stopping.patience", patience, "a number above 0", patience > 0)
    try check(
      "early_stopping.min_delta", difference, "a number of at least 0", difference >= 0 && difference.isFinite)
  }
}
