import Glibc

/// A rate that rises by the same factor from step to step, to see where the loss falls best and where it breaks.
package struct RangeTestSchedule: Schedule, Hashable {
  package static let name = "range_test"
  package static let doc =
    "rises by the same factor from step to step up to the peak, so that `range.svg` shows which rates are too high "
    + "(arXiv:1506.01186)"
  package static let warmsUp = false

  package var floor = 1e-4

  package init() {}

  package static let settings: [Setting<Self>] = [
    .number(
      "min_lr_rate", \.floor, SettingRange(lower: 0, upper: 1, excludesLower: true), unit: "share of the peak",
      doc: "Where it starts")
  ]

  package func factor(at place: SchedulePlace) -> Double {
    pow(floor, 1 - Double(place.step) / Double(max(1, place.total - 1)))
  }
}
