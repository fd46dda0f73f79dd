/// A schedule with the warm-up before it.
package struct LearningRateSchedule: Sendable {
  package enum Warmup: Sendable, Hashable {
    case steps(Int)
    /// A share of all steps, rounded up.
    case ratio(Double)
  }

  package var schedule: any Schedule
  package var warmup: Warmup

  package init(_ schedule: some Schedule = CosineSchedule(), warmup: Warmup = .steps(0)) {
    self.init(of: schedule, warmup: warmup)
  }

  /// As with a schedule whose type is known.
  package init(of schedule: any Schedule, warmup: Warmup = .steps(0)) {
    self.schedule = schedule
    self.warmup = warmup
  }

  /// How many of `total` steps warm up.
  package func warmupSteps(total: Int) -> Int {
    guard type(of: schedule).warmsUp else { return 0 }
    return switch warmup {
    case .steps(let steps): steps
    case .ratio(let ratio): Int((Double(total) * ratio).rounded(.up))
    }
  }

  /// The factor of step `step` (from 0) of `total`; with a warm-up the first step changes nothing.
  ///
  /// - Parameters:
  ///   - peak: The rate that the factor is of.
  ///   - heldOutLosses: The losses on held-out rows so far.
  package func factor(step: Int, total: Int, peak: Double = 1, heldOutLosses: [Double] = []) -> Double {
    let warmup = warmupSteps(total: total)
    if step < warmup { return schedule.warmupFactor(Double(step) / Double(max(1, warmup))) }
    return schedule.factor(
      at: SchedulePlace(step: step, total: total, warmup: warmup, peak: peak, heldOutLosses: heldOutLosses))
  }

  /// - Throws: ``TrainingError/setting(name:found:wanted:)`` for the first value that makes no sense.
  package func validate() throws(TrainingError) {
    switch warmup {
    case .steps(let steps): try check("warmup_steps", steps, "a number of at least 0", steps >= 0)
    case .ratio(let ratio): try check("warmup_ratio", ratio, "a number from 0 to 1", (0...1).contains(ratio))
    }
    try schedule.validate()
  }
}
