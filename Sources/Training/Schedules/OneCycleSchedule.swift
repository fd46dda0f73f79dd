import Glibc

/// One rise and a long fall: torch's `OneCycleLR`, of the rate alone (no momentum is cycled against it).
package struct OneCycleSchedule: Schedule, Hashable {
  /// How it moves from one end of a phase to the other.
  package enum Shape: String, CaseIterable, Sendable {
    case cosine = "cos"
    case linear
  }

  package static let name = "one_cycle"
  package static let doc = "rises to the peak and falls far below where it started (arXiv:1708.07120)"
  package static let warmsUp = false

  package var rise = 0.3
  package var shape = Shape.cosine
  package var startDivisor = 25.0
  package var endDivisor = 1e4
  package var isSymmetric = false

  package init() {}

  package static let settings: [Setting<Self>] = [
    .number("pct_start", \.rise, .share, unit: "share of all steps", doc: "How many steps rise"),
    .choice("anneal_strategy", \.shape, doc: "Along a cosine, or in straight lines"),
    .number("div_factor", \.startDivisor, .positive, doc: "It starts at the peak divided by this"),
    .number("final_div_factor", \.endDivisor, .positive, doc: "It ends at its start divided by this"),
    .flag("three_phase", \.isSymmetric, doc: "Falls to its start as fast as it rose, and to the end from there"),
  ]

  package func factor(at place: SchedulePlace) -> Double {
    let start = 1 / startDivisor
    let end = start / endDivisor
    let risen = rise * Double(place.total)
    let last = Double(place.total - 1)
    let phases: [(until: Double, from: Double, to: Double)] =
      isSymmetric
      ? [(risen - 1, start, 1), (2 * risen - 2, 1, start), (last, start, end)]
      : [(risen - 1, start, 1), (last, 1, end)]
    var begin = 0.0
    for (index, phase) in phases.enumerated() {
      if Double(place.step) <= phase.until || index == phases.count - 1 {
        let length = phase.until - begin
        let share = length > 0 ? min(1, (Double(place.step) - begin) / length) : 1
        return switch shape {
        case .cosine: phase.to + (phase.from - phase.to) / 2 * (1 + cos(Double.pi * share))
        case .linear: (phase.to - phase.from) * share + phase.from
        }
      }
      begin = phase.until
    }
    return end
  }
}
