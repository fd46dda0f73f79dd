import Glibc

/// A warm-up, a plain and a fall at the end: transformers' `get_wsd_schedule`.
package struct StableSchedule: Schedule, Hashable {
  /// How it rises or falls.
  package enum Shape: String, CaseIterable, Sendable {
    case linear
    case cosine
    case root = "1-sqrt"
  }

  package static let name = "warmup_stable_decay"
  package static let doc = "stays, and falls in the last steps (arXiv:2404.06395)"

  package var decayRatio = 0.2
  package var decaySteps: Int?
  package var decayShape = Shape.cosine
  package var warmupShape = Shape.linear
  package var floor = 0.0

  package init() {}

  package static let settings: [Setting<Self>] = [
    .number("decay_ratio", \.decayRatio, .share, unit: "share of all steps", doc: "How many steps at the end fall"),
    .count("decay_steps", \.decaySteps, .atLeast(1), unit: "steps", doc: "How many fall, instead of `decay_ratio`"),
    .choice("decay_type", \.decayShape, doc: "How it falls; `1-sqrt` quickly at first (arXiv:2405.18392)"),
    .choice("warmup_type", \.warmupShape, doc: "How it rises during the warm-up"),
    .number(
      "min_lr_rate", \.floor, .share, unit: "share of the peak", doc: "Where the warm-up starts and the fall ends"),
  ]

  package func warmupFactor(_ share: Double) -> Double {
    let risen =
      switch warmupShape {
      case .linear: share
      case .cosine: 0.5 * (1 - cos(Double.pi * share))
      case .root: 1 - sqrt(1 - share)
      }
    return max(0, risen * (1 - floor) + floor)
  }

  package func factor(at place: SchedulePlace) -> Double {
    let falling = min(
      place.total - place.warmup, decaySteps ?? Int((Double(place.total) * decayRatio).rounded(.up)))
    let start = place.total - falling
    guard place.step >= start else { return 1 }
    guard place.step < place.total else { return floor }
    let share = Double(place.step - start) / Double(max(1, falling))
    let left =
      switch decayShape {
      case .linear: 1 - share
      case .cosine: 0.5 * (1 + cos(Double.pi * share))
      case .root: 1 - sqrt(share)
      }
    return max(0, left * (1 - floor) + floor)
  }
}
