/// A reflected exponential, REX: what is left, z, as z ÷ (alpha + (1 − alpha) · z).
package struct ReflectedExponentialSchedule: Schedule, Hashable {
  package static let name = "rex"
  package static let doc = "falls slowly at first and steeply in the end (REX, arXiv:2107.04197)"

  package var alpha = 0.5
  package var floor = 0.0

  package init() {}

  package static let settings: [Setting<Self>] = [
    .number(
      "alpha", \.alpha, SettingRange(lower: 0, upper: 1, excludesLower: true),
      doc: "How early it falls: 1 is a straight line, near 0 it falls at the very end; the paper has 0.5"),
    .number("min_lr_rate", \.floor, .share, unit: "share of the peak", doc: "Where it ends"),
  ]

  package func factor(at place: SchedulePlace) -> Double {
    let left = max(0, 1 - place.progress)
    return (1 - floor) * left / (alpha + (1 - alpha) * left) + floor
  }
}
