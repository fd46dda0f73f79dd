import Glibc

/// A power of what is left: transformers' `get_polynomial_decay_schedule_with_warmup`, its end as a share of the peak.
package struct PolynomialSchedule: Schedule, Hashable {
  package static let name = "polynomial"
  package static let doc = "falls by a power of the share of steps that are left"

  package var power = 1.0
  package var floor = 0.0

  package init() {}

  package static let settings: [Setting<Self>] = [
    .number("power", \.power, .positive, doc: "1 is a straight line; more falls sooner"),
    .number("min_lr_rate", \.floor, .share, unit: "share of the peak", doc: "Where it ends"),
  ]

  package func factor(at place: SchedulePlace) -> Double {
    (1 - floor) * pow(max(0, 1 - place.progress), power) + floor
  }
}
