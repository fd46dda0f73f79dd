import Glibc

/// A cosine from the peak to a floor: transformers' `get_cosine_schedule_with_warmup` and
/// `get_cosine_with_min_lr_schedule_with_warmup`, with a tail that keeps the floor where one is wanted.
package struct CosineSchedule: Schedule, Hashable {
  package static let name = "cosine"
  package static let doc = "falls along a cosine (arXiv:1608.03983)"

  package var cycles = 0.5
  package var floor = 0.0
  package var tail = 0.0

  package init() {}

  package static let settings: [Setting<Self>] = [
    .number(
      "num_cycles", \.cycles, .positive, unit: "waves", later: true,
      doc: "How often it falls and rises; half a wave falls once"),
    .number(
      "min_lr_rate", \.floor, .share, unit: "share of the peak", later: true, doc: "Where it ends"),
    .number(
      "constant_tail", \.tail, .decay, unit: "share of all steps", later: true,
      doc: "How many steps at the end stay where it ends"),
  ]

  package func factor(at place: SchedulePlace) -> Double {
    let end = tail > 0 ? Int(Double(place.total) * (1 - tail)) : place.total
    let progress = Double(min(place.step, end) - place.warmup) / Double(max(1, end - place.warmup))
    return max(0, 0.5 * (1 + cos(Double.pi * cycles * 2 * progress))) * (1 - floor) + floor
  }
}

extension Schedule where Self == CosineSchedule {
  /// With all defaults.
  package static var cosine: CosineSchedule { CosineSchedule() }
}
