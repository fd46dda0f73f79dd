import PreciseJSON

extension StagePicture {
  private static let colors = [
    "#3b7dd8", "#d8703b", "#2f9e6e", "#c9434a", "#7b5cc4", "#b8860b", "#2a9d9d", "#7a7a7a",
  ]

  /// The picture of −log p by source, of records that tell it; nil for others.
  static func ofSources(_ records: [JSON]) -> StagePicture? {
    let prefix = "loss/"
    let measures = Set(records.flatMap { $0.object?.members.map(\.key) ?? [] }.filter { $0.hasPrefix(prefix) }).sorted()
    guard !measures.isEmpty else { return nil }
    return StagePicture(
      "sources.svg", title: "−log p by source",
      measures.enumerated().map { index, measure in
        Line(measure, String(measure.dropFirst(prefix.count)), color: colors[index % colors.count])
      })
  }
}
