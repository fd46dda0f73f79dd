/// How the learning rate moves, as a factor of its peak: step k, counted from 0, is taken with the factor of k.
package protocol Schedule: Tunable {
  /// Whether it begins with a warm-up whose length is chosen beside it; one that does not has a rise of its own.
  static var warmsUp: Bool { get }
  /// Whether it goes by the loss on held-out rows, which then has to be measured.
  static var followsHeldOutLoss: Bool { get }

  /// The factor during the warm-up, of which a share is done.
  func warmupFactor(_ share: Double) -> Double

  /// The factor at a step after the warm-up.
  func factor(at place: SchedulePlace) -> Double
}

extension Schedule {
  package static var warmsUp: Bool { true }
  package static var followsHeldOutLoss: Bool { false }
  package static var settings: [Setting<Self>] { [] }
  package func warmupFactor(_ share: Double) -> Double { share }
}

/// A step of a training, as a schedule sees it.
package struct SchedulePlace: Sendable {
  /// Counts from 0, those of the warm-up among them.
  package var step: Int
  /// All steps of the training.
  package var total: Int
  /// How many of them warm up.
  package var warmup: Int
  /// The peak that factors are of.
  package var peak: Double
  /// The losses on held-out rows so far.
  package var heldOutLosses: [Double]

  package init(step: Int, total: Int, warmup: Int = 0, peak: Double = 1, heldOutLosses: [Double] = []) {
    self.step = step
    self.total = total
    self.warmup = warmup
    self.peak = peak
    self.heldOutLosses = heldOutLosses
  }

  /// The share of the steps after the warm-up that are done.
  package var progress: Double { Double(step - warmup) / Double(max(1, total - warmup)) }
}
