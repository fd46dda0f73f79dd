import Foundation

/// The picture of a training run: loss as logged, smoothed, and on held-out rows where it was evaluated.
enum LossCurve {
  /// - Parameters:
  ///   - logged: Step and loss of each log line, in order.
  ///   - evaluated: Step and held-out loss.
  static func svg(
    title: String, logged: [(step: Int, value: Double)], evaluated: [(step: Int, value: Double)]
  ) -> String {
    let raw = logged.map { (x: Double($0.step), y: $0.value) }
    var series = [
      LineChart.Series(name: "loss", color: "#3b7dd8", points: raw, isFaint: true),
      LineChart.Series(name: "smoothed", color: "#3b7dd8", points: smoothed(raw)),
    ]
    if !evaluated.isEmpty {
      let points = evaluated.map { (x: Double($0.step), y: $0.value) }
      series.append(LineChart.Series(name: "held out", color: "#d8703b", points: points, hasDots: true))
    }
    return LineChart(title: title, xLabel: "step", series: series).svg()
  }

  /// An exponential moving average with LLaMA-Factory's weight, 1.8·(σ(0.05·n) − 0.5) for n points.
  static func smoothed(_ points: [(x: Double, y: Double)]) -> [(x: Double, y: Double)] {
    guard var last = points.first?.y else { return [] }
    let weight = 1.8 * (1 / (1 + exp(-0.05 * Double(points.count))) - 0.5)
    return points.map { point in
      last = last * weight + point.y * (1 - weight)
      return (point.x, last)
    }
  }
}
