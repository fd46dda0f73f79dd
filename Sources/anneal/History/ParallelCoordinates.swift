import Foundation
import Pipeline

/// Members of a matrix as lines from axis to axis: one axis a param, one a metric.
struct ParallelCoordinates {
  private struct Axis {
    var title: String
    /// The place of each row, from 0 at the bottom to 1; nil where it has no value.
    var places: [Double?]
    var labels: [(place: Double, text: String)]
  }

  private let axes: [Axis]
  /// For each row how good it is, from 0 to 1; nil where nothing says so.
  private let worth: [Double?]

  /// - Parameter by: The metric that colours the lines; the first one unless given.
  init(_ sweep: Sweep, by: String?) {
    axes =
      sweep.params.indices.map { Self.axis(sweep.params[$0], values: sweep.rows.map(\.values), $0) }
      + sweep.measures.map { measure in Self.axis(measure.title, sweep.rows.map { $0.numbers[measure] }) }
    let measure = sweep.measures.first { $0.title == by } ?? sweep.measures.first
    worth = sweep.rows.map { row in
      guard let measure, let number = row.numbers[measure] else { return nil }
      let numbers = sweep.rows.compactMap { $0.numbers[measure] }
      guard let least = numbers.min(), let most = numbers.max(), most > least else { return 1 }
      let share = (number - least) / (most - least)
      return Sweep.higherIsBetter(measure.name) ? share : 1 - share
    }
  }

  /// Values as they stand in the file: numbers by their size, each with a place of its own.
  private static func axis(_ title: String, values: [[String]], _ column: Int) -> Axis {
    var known: [String] = []
    for row in values where !known.contains(row[column]) { known.append(row[column]) }
    if known.allSatisfy({ Double($0) != nil }) { known.sort { (Double($0) ?? 0) < (Double($1) ?? 0) } }
    func place(_ text: String) -> Double {
      known.count < 2 ? 0.5 : Double(known.firstIndex(of: text) ?? 0) / Double(known.count - 1)
    }
    return Axis(title: title, places: values.map { place($0[column]) }, labels: known.map { (place($0), $0) })
  }

  private static func axis(_ title: String, _ numbers: [Double?]) -> Axis {
    let known = numbers.compactMap { $0 }
    guard let least = known.min(), let most = known.max() else {
      return Axis(title: title, places: numbers, labels: [])
    }
    let span = most - least
    return Axis(
      title: title, places: numbers.map { number in number.map { span > 0 ? ($0 - least) / span : 0.5 } },
      labels: span > 0
        ? [(0, EventWords.value(least, .plain)), (1, EventWords.value(most, .plain))]
        : [(0.5, EventWords.value(least, .plain))])
  }

  /// From pale to dark blue.
  private static func color(_ worth: Double) -> String {
    let (pale, dark) = ([200.0, 212, 235], [24.0, 72, 160])
    return "#" + zip(pale, dark).map { String(format: "%02x", Int(($0 + ($1 - $0) * worth).rounded())) }.joined()
  }

  func svg() -> String {
    let (step, top, height) = (170.0, 50.0, 300.0)
    let width = step * Double(max(axes.count, 1))
    func x(_ axis: Int) -> Double { step * (Double(axis) + 0.5) }
    func y(_ place: Double) -> Double { top + height * (1 - place) }
    func number(_ value: Double) -> String { String(format: "%.1f", value) }
    func escaped(_ text: String) -> String {
      text.replacing("&", with: "&amp;").replacing("<", with: "&lt;").replacing(">", with: "&gt;")
    }
    var lines = [
      #"<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 \#(number(width)) \#(number(top + height + 30))" "#
        + #"font-family="system-ui, sans-serif" font-size="12">"#,
      #"<rect width="100%" height="100%" fill="white"/>"#,
    ]
    // The best lines lie on top.
    for row in worth.indices.sorted(by: { (worth[$0] ?? -1) < (worth[$1] ?? -1) }) {
      let points = axes.indices.compactMap { axis in
        axes[axis].places[row].map { "\(number(x(axis))),\(number(y($0)))" }
      }
      let color = worth[row].map(Self.color) ?? "#c8c8c8"
      lines.append(
        #"<polyline points="\#(points.joined(separator: " "))" fill="none" stroke="\#(color)" stroke-width="2" "#
          + #"stroke-linejoin="round" opacity="0.85"/>"#)
    }
    for (index, axis) in axes.enumerated() {
      let at = number(x(index))
      lines.append(
        #"<line x1="\#(at)" y1="\#(number(top))" x2="\#(at)" y2="\#(number(top + height))" stroke="dimgray"/>"#)
      lines.append(
        #"<text x="\#(at)" y="\#(number(top - 22))" text-anchor="middle" font-weight="600">\#(escaped(axis.title))</text>"#
      )
      for (place, text) in axis.labels {
        // A pale edge below the letters, where lines cross them.
        let spot = #"x="\#(number(x(index) + 6))" y="\#(number(y(place) + 4))""#
        lines.append(#"<text \#(spot) fill="white" stroke="white" stroke-width="4">\#(escaped(text))</text>"#)
        lines.append(#"<text \#(spot)>\#(escaped(text))</text>"#)
      }
    }
    return lines.joined(separator: "\n") + "\n</svg>"
  }
}
