import PreciseJSON

/// One measured number: the best and the median of several runs.
struct Measurement: Sendable {
  /// The benchmark and what of it was measured, such as `cold-start/version`.
  let name: String
  let unit: String
  let best: Double
  let median: Double
  let runs: Int
  /// The highest rate that the machine allows, measured beside this one.
  let ceiling: Double?

  /// - Parameters:
  ///   - values: At least one.
  ///   - isRate: Whether more is better.
  init(_ name: String, unit: String, values: [Double], isRate: Bool = false, ceiling: Double? = nil) {
    let sorted = values.sorted()
    self.name = name
    self.unit = unit
    best = (isRate ? sorted.last : sorted.first) ?? .nan
    median = sorted.isEmpty ? .nan : (sorted[(sorted.count - 1) / 2] + sorted[sorted.count / 2]) / 2
    runs = sorted.count
    self.ceiling = ceiling
  }

  /// The unit, and how much of the ceiling the best run reached.
  var words: String { ceiling.map { "\(unit), \(Int((100 * best / $0).rounded())) % of ceiling" } ?? unit }

  var json: JSON {
    var members: [(key: String, value: JSON)] = [
      ("name", JSON(name)), ("unit", JSON(unit)), ("best", JSON(best)), ("median", JSON(median)), ("runs", JSON(runs)),
    ]
    if let ceiling { members.append(("ceiling", JSON(ceiling))) }
    return JSON(members)
  }
}
