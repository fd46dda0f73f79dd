import Glibc

/// A cosine that jumps back to the peak: transformers' `get_cosine_with_hard_restarts_schedule_with_warmup`.
package struct RestartingCosineSchedule: Schedule, Hashable {
  package static let name = "cosine_with_restarts"
  package static let doc = "falls along a cosine several times, each time from the peak (arXiv:1608.03983)"

  package var cycles = 1
  package var floor = 0.0

  package init() {}

  package static let settings: [Setting<Self>] = [
    .count("num_cycles", \.cycles, .atLeast(1), doc: "How often it falls"),
    .number("min_lr_rate", \.floor, .share, unit: "share of the peak", doc: "Where each fall ends"),
  ]

  package func factor(at place: SchedulePlace) -> Double {
    let progress = place.progress
    guard progress < 1 else { return floor }
    let turn = (Double(cycles) * progress).truncatingRemainder(dividingBy: 1)
    return max(0, 0.5 * (1 + cos(Double.pi * turn))) * (1 - floor) + floor
  }
}
