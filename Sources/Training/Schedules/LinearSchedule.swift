/// A straight line from the peak to 0: transformers' `get_linear_schedule_with_warmup`.
package struct LinearSchedule: Schedule, Hashable {
  package static let name = "linear"
  package static let doc = "falls in a straight line to 0"

  package init() {}

  package func factor(at place: SchedulePlace) -> Double {
    max(0, Double(place.total - place.step) / Double(max(1, place.total - place.warmup)))
  }
}

extension Schedule where Self == LinearSchedule {
  /// With all defaults.
  package static var linear: LinearSchedule { LinearSchedule() }
}
