import Glibc

/// One over the root of the step: transformers' `get_inverse_sqrt_schedule`.
package struct InverseSquareRootSchedule: Schedule, Hashable {
  package static let name = "inverse_sqrt"
  package static let doc = "falls as one over the root of the step, however many there are (arXiv:1706.03762)"

  package var timescale: Int?

  package init() {}

  package static let settings: [Setting<Self>] = [
    .count(
      "timescale", \.timescale, .atLeast(1), unit: "steps",
      doc: "After three times as many the rate has halved; the length of the warm-up unless given, without one 10000")
  ]

  package func factor(at place: SchedulePlace) -> Double {
    let timescale = timescale ?? (place.warmup > 0 ? place.warmup : 10_000)
    return 1 / sqrt(Double(place.step - place.warmup + timescale) / Double(timescale))
  }
}
