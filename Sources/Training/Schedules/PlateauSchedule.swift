/// A rate that falls when the loss on held-out rows no longer does: torch's `ReduceLROnPlateau`.
///
/// A function of the losses measured so far, so that nothing has to be remembered beside them.
package struct PlateauSchedule: Schedule, Hashable {
  /// What makes a loss better than the best one.
  package enum Measure: String, CaseIterable, Sendable {
    case relative = "rel"
    case absolute = "abs"
  }

  package static let name = "reduce_lr_on_plateau"
  package static let doc = "falls when the loss on held-out rows no longer does (`evaluate_every`)"
  package static let followsHeldOutLoss = true

  package var factor = 0.1
  package var patience = 10
  package var threshold = 1e-4
  package var measure = Measure.relative
  package var cooldown = 0
  package var floor = 0.0

  package init() {}

  package static let settings: [Setting<Self>] = [
    .number("factor", \.factor, .decay, doc: "What the rate is multiplied with"),
    .count("patience", \.patience, .atLeast(0), unit: "evaluations", doc: "How many may be no better before it falls"),
    .number("threshold", \.threshold, .atLeast(0), doc: "How much better than the best a loss must be to count"),
    .choice("threshold_mode", \.measure, doc: "Whether `threshold` is a share of the best loss or a difference"),
    .count("cooldown", \.cooldown, .atLeast(0), unit: "evaluations", doc: "How many do not count after a fall"),
    .number("min_lr_rate", \.floor, .share, unit: "share of the peak", doc: "It never falls below"),
  ]

  /// Smaller changes of the rate are not made.
  private static let smallest = 1e-8

  package func factor(at place: SchedulePlace) -> Double {
    var (rate, best, bad, resting) = (place.peak, Double.infinity, 0, 0)
    for loss in place.heldOutLosses {
      let limit = measure == .relative ? best * (1 - threshold) : best - threshold
      if loss < limit {
        (best, bad) = (loss, 0)
      } else {
        bad += 1
      }
      if resting > 0 {
        resting -= 1
        bad = 0
      }
      guard bad > patience else { continue }
      let lower = max(rate * factor, floor * place.peak)
      if rate - lower > Self.smallest { rate = lower }
      (resting, bad) = (cooldown, 0)
    }
    return place.peak > 0 ? rate / place.peak : 1
  }
}
