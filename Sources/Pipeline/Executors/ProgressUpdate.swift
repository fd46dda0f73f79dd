import PreciseJSON

/// How far a node has come, as it says itself; everything in it is for people's eyes.
package struct ProgressUpdate: Sendable, Equatable {
  /// A value worth watching, such as the loss.
  package struct Metric: Sendable, Equatable {
    package var name: String
    package var value: Double
    package var format: Format

    package init(_ name: String, _ value: Double, _ format: Format = .plain) {
      self.name = name
      self.value = value
      self.format = format
    }
  }

  /// How a metric is written.
  package enum Format: String, Sendable {
    /// Four significant digits.
    case plain
    case integer
    case percent
    case scientific
    /// With a `/s` behind it.
    case perSecond
  }

  /// Between 0 and 1; nil when unknown.
  ///
  /// Follows from `step` and `total` when those are given.
  package var fraction: Double?
  package var step: Int?
  package var total: Int?
  /// What a step is: `step`, `row`, `file`.
  package var unit: String
  package var metrics: [Metric]
  package var secondsLeft: Double?
  /// What a program of somebody else's wrote last.
  package var words: String?

  package init(
    fraction: Double? = nil, step: Int? = nil, total: Int? = nil, unit: String = "step", metrics: [Metric] = [],
    secondsLeft: Double? = nil, words: String? = nil
  ) {
    self.step = step
    self.total = total
    self.unit = unit
    self.metrics = metrics
    self.secondsLeft = secondsLeft
    self.words = words
    if let fraction {
      self.fraction = min(max(fraction, 0), 1)
    } else if let step, let total, total > 0 {
      self.fraction = min(max(Double(step) / Double(total), 0), 1)
    } else {
      self.fraction = nil
    }
  }

  package var json: JSON {
    var object = JSONObject()
    if let fraction { object["fraction"] = JSON(fraction) }
    if let step { object["step"] = JSON(step) }
    if let total { object["total"] = JSON(total) }
    object["unit"] = JSON(unit)
    if let secondsLeft { object["seconds_left"] = JSON(secondsLeft) }
    if let words { object["words"] = JSON(words) }
    object["metrics"] = .array(
      metrics.map { ["name": JSON($0.name), "value": JSON($0.value), "format": JSON($0.format.rawValue)] })
    return .object(object)
  }

  package init?(_ json: JSON) {
    guard let unit = json["unit"]?.string, let list = json["metrics"]?.array else { return nil }
    self.init(
      fraction: json["fraction"]?.double, step: json["step"]?.int, total: json["total"]?.int, unit: unit,
      metrics: list.compactMap { metric in
        guard let name = metric["name"]?.string, let format = metric["format"]?.string.flatMap(Format.init) else {
          return nil
        }
        return Metric(name, metric["value"]?.double ?? .nan, format)
      },
      secondsLeft: json["seconds_left"]?.double, words: json["words"]?.string)
  }
}
