import PreciseJSON

/// One measured number: the best and the median of several runs.
struct Measurement: Sendable {
  /// The benchmark and what of it was measured, such as `cold-start/version`.
  let name: String
  let unit: String
  let best: Double
  let median: Double
  let runs: Int

  /// - Parameters:
  ///   - values: At least one.
  ///   - isRate: Whether more is better.
  init(_ name: String, unit: String, values: [Double], isRate: Bool = false) {
    let sorted = values.sorted()
    self.name = name
    self.unit = unit
    best = (isRate ? sorted.last : sorted.first) ?? .nan
    median = sorted.isEmpty ? .nan : (sorted[(sorted.count - 1) / 2] + sorted[sorted.count / 2]) / 2
    runs = sorted.count
  }

  var json: JSON {
    ["name": JSON(name), "unit": JSON(unit), "best": JSON(best), "median": JSON(median), "runs": JSON(runs)]
  }
}
