/// The peak, after the warm-up to the end.
package struct ConstantSchedule: Schedule, Hashable {
  package static let name = "constant"
  package static let doc = "stays"

  package init() {}

  package func factor(at place: SchedulePlace) -> Double { 1 }
}

extension Schedule where Self == ConstantSchedule {
  /// With all defaults.
  package static var constant: ConstantSchedule { ConstantSchedule() }
}
