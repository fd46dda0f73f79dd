import Foundation
import PreciseJSON
import Training

/// Pictures of what a training told over its steps.
enum MeasureCurves {
  static let member = "curves.svg"
  static let rangeMember = "range.svg"

  /// A curve of every number of the records, of training and of held-out rows in one picture, one below the other.
  static func page(_ records: [JSON]) -> String {
    var names: [String] = []
    var points: [String: [Bool: [(x: Double, y: Double)]]] = [:]
    for record in records {
      guard let step = record["step"]?.double else { continue }
      for (name, value) in MetricsRecord.measures(record, measured: false) {
        let parts = MetricsRecord.parts(name)
        if points[parts.name] == nil { names.append(parts.name) }
        points[parts.name, default: [:]][parts.isHeldOut, default: []].append((step, value))
      }
    }
    return LineChart.page(
      names.map { name in
        let found = points[name] ?? [:]
        let own = found[false].map { LineChart.Series(name: "training", color: "#3b7dd8", points: $0) }
        let held = found[true].map {
          LineChart.Series(name: "held out", color: "#d8703b", points: $0, hasDots: true)
        }
        return LineChart(title: name, xLabel: "step", series: [own, held].compactMap { $0 })
      })
  }

  /// The loss over the learning rate: where it falls fastest the rate is good, where it rises it is too high.
  static func range(_ records: [JSON]) -> String {
    let points = records.compactMap { record -> (x: Double, y: Double)? in
      guard let rate = record["learning_rate"]?.double, rate > 0, let loss = record["loss"]?.double else { return nil }
      return (log10(rate), loss)
    }
    return LineChart(
      title: "Loss over the learning rate", xLabel: "log₁₀ of the learning rate",
      series: [
        LineChart.Series(name: "loss", color: "#3b7dd8", points: points, isFaint: true),
        LineChart.Series(name: "smoothed", color: "#3b7dd8", points: LossCurve.smoothed(points)),
      ]
    ).svg()
  }
}
