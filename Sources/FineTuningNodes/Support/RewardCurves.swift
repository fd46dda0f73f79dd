/// The picture of a preference training: the rewards of chosen and rejected answers and their margin over the steps,
/// and the margin on held-out pairs where it was evaluated.
enum RewardCurves {
  /// - Parameter points: Gives the values of a measure by its name.
  static func svg(title: String, _ points: (String) -> [(step: Int, value: Double)]) -> String {
    func series(_ key: String, _ name: String, _ color: String, dots: Bool = false) -> LineChart.Series? {
      let found = points(key).map { (x: Double($0.step), y: $0.value) }
      return found.isEmpty ? nil : LineChart.Series(name: name, color: color, points: found, hasDots: dots)
    }
    let lines = [
      series("rewards_chosen", "chosen", "#2f9e6e"), series("rewards_rejected", "rejected", "#c9434a"),
      series("rewards_margin", "margin", "#3b7dd8"),
      series("eval_rewards_margin", "held-out margin", "#d8703b", dots: true),
    ]
    return LineChart(title: title, xLabel: "step", series: lines.compactMap { $0 }).svg()
  }
}
