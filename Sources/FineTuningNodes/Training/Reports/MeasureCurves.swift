import Foundation
import PreciseJSON
import Training

/// Pictures of what a training told over its steps.
package enum MeasureCurves {
  static let member = "curves.svg"
  static let rangeMember = "range.svg"

  /// A curve of every number of the records, of training and of held-out rows in one picture, one below the other.
  static func page(_ records: [JSON]) -> String {
    let curves = Curves(records)
    return LineChart.page(
      curves.names.map { name in
        let found = curves.points[name] ?? [:]
        let own = found[false].map { LineChart.Series(name: "training", color: "#3b7dd8", points: $0) }
        let held = found[true].map {
          LineChart.Series(name: "held out", color: "#d8703b", points: $0, hasDots: true)
        }
        return LineChart(title: name, xLabel: "step", series: [own, held].compactMap { $0 })
      })
  }

  private static let colors = ["#3b7dd8", "#d8703b", "#3f9c5a", "#9a4fc4", "#b58900", "#c2356b"]

  /// The curves of several trainings over each other: a picture for each number that two of them told.
  ///
  /// - Returns: An SVG; nil where no two told the same.
  package static func overlay(_ trainings: [(name: String, records: [JSON])]) -> String? {
    let curves = trainings.map { (name: $0.name, curves: Curves($0.records)) }
    var measures: [(name: String, isHeldOut: Bool)] = []
    for name in curves.flatMap(\.curves.names) where !measures.contains(where: { $0.name == name }) {
      for isHeldOut in [false, true] where curves.count(where: { $0.curves.points[name]?[isHeldOut] != nil }) > 1 {
        measures.append((name, isHeldOut))
      }
    }
    guard !measures.isEmpty else { return nil }
    return LineChart.page(
      measures.map { measure in
        let series = curves.enumerated().compactMap { index, training in
          training.curves.points[measure.name]?[measure.isHeldOut].map { points in
            LineChart.Series(
              name: training.name, color: colors[index % colors.count], points: points, hasDots: measure.isHeldOut)
          }
        }
        return LineChart(
          title: measure.name + (measure.isHeldOut ? " (held out)" : ""), xLabel: "step", series: series)
      })
  }

  /// The numbers of records over their steps, by name, of training and of held-out rows.
  private struct Curves {
    var names: [String] = []
    var points: [String: [Bool: [(x: Double, y: Double)]]] = [:]

    init(_ records: [JSON]) {
      for record in records {
        guard let step = record["step"]?.double else { continue }
        for (name, value) in MetricsRecord.measures(record, measured: false) {
          let parts = MetricsRecord.parts(name)
          if points[parts.name] == nil { names.append(parts.name) }
          points[parts.name, default: [:]][parts.isHeldOut, default: []].append((step, value))
        }
      }
    }
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
