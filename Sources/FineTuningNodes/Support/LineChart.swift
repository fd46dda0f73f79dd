import Foundation

/// A chart of values over steps, as an SVG picture that needs no other file.
struct LineChart {
  struct Series {
    var name: String
    /// A CSS colour.
    var color: String
    var points: [(x: Double, y: Double)]
    /// Drawn faintly, under the others.
    var isFaint = false
    /// Drawn as dots joined by a line.
    var hasDots = false
  }

  var title: String
  var xLabel: String
  var series: [Series]

  private static let width = 760.0
  private static let height = 420.0
  private static let (left, right, top, bottom) = (64.0, 20.0, 44.0, 48.0)

  /// The picture.
  ///
  /// Points that no scale can hold are left out: what is not finite, and what is nearly as large.
  func svg() -> String { drawing(#"xmlns="http://www.w3.org/2000/svg""#) }

  /// Several charts, one below the other.
  static func page(_ charts: [LineChart]) -> String {
    let whole = "width=\"\(Int(width))\" height=\"\(Int(height))\""
    let drawn = charts.enumerated().map { $1.drawing("y=\"\($0 * Int(height))\" \(whole)") }
    return "<svg xmlns=\"http://www.w3.org/2000/svg\" viewBox=\"0 0 \(Int(width)) \(Int(height) * charts.count)\">\n"
      + drawn.joined() + "</svg>\n"
  }

  private func drawing(_ attributes: String) -> String {
    let points = series.flatMap(\.points).filter(Self.fits)
    let xs = Scale(points.map(\.x), from: Self.left, to: Self.width - Self.right)
    let ys = Scale(points.map(\.y), from: Self.height - Self.bottom, to: Self.top)
    var parts: [String] = [
      """
      <svg \(attributes) viewBox="0 0 \(Int(Self.width)) \(Int(Self.height))" \
      font-family="system-ui, sans-serif" font-size="12">
      <rect width="100%" height="100%" fill="#ffffff"/>
      <text x="\(Self.left)" y="24" font-size="15" fill="#222222">\(escaped(title))</text>
      """
    ]
    for tick in ys.ticks {
      let y = format(ys.place(tick))
      parts.append(
        """
        <line x1="\(Self.left)" x2="\(Self.width - Self.right)" y1="\(y)" y2="\(y)" stroke="#e3e3e3"/>
        <text x="\(Self.left - 8)" y="\(y)" text-anchor="end" dominant-baseline="middle" \
        fill="#555555">\(label(tick))</text>
        """)
    }
    for tick in xs.ticks {
      parts.append(
        """
        <text x="\(format(xs.place(tick)))" y="\(Self.height - Self.bottom + 18)" text-anchor="middle" \
        fill="#555555">\(label(tick))</text>
        """)
    }
    parts.append(
      """
      <text x="\((Self.left + Self.width - Self.right) / 2)" y="\(Self.height - 8)" text-anchor="middle" \
      fill="#555555">\(escaped(xLabel))</text>
      """)
    for line in series { parts.append(drawn(line, xs, ys)) }
    parts.append(legend())
    parts.append("</svg>\n")
    return parts.joined(separator: "\n")
  }

  private static func fits(_ point: (x: Double, y: Double)) -> Bool { max(abs(point.x), abs(point.y)) < 1e300 }

  private func drawn(_ line: Series, _ xs: Scale, _ ys: Scale) -> String {
    let places = line.points.filter(Self.fits).map { point in
      (format(xs.place(point.x)), format(ys.place(point.y)))
    }
    let path = places.map { "\($0),\($1)" }.joined(separator: " ")
    var text =
      "<polyline points=\"\(path)\" fill=\"none\" stroke=\"\(line.color)\" stroke-width=\"\(line.isFaint ? 1 : 2)\" "
      + "stroke-opacity=\"\(line.isFaint ? 0.4 : 1)\" stroke-linejoin=\"round\"/>"
    if line.hasDots || places.count == 1 {
      for (x, y) in places { text += "\n<circle cx=\"\(x)\" cy=\"\(y)\" r=\"3\" fill=\"\(line.color)\"/>" }
    }
    return text
  }

  private func legend() -> String {
    var x = Self.width - Self.right
    return series.reversed().map { line in
      x -= Double(line.name.unicodeScalars.count) * 7 + 26
      return """
        <line x1="\(format(x))" x2="\(format(x + 14))" y1="20" y2="20" stroke="\(line.color)" stroke-width="2" \
        stroke-opacity="\(line.isFaint ? 0.4 : 1)"/>
        <text x="\(format(x + 18))" y="24" fill="#222222">\(escaped(line.name))</text>
        """
    }.joined(separator: "\n")
  }

  private func escaped(_ text: String) -> String {
    text.replacingOccurrences(of: "&", with: "&amp;").replacingOccurrences(of: "<", with: "&lt;")
  }

  private func format(_ value: Double) -> String { String(format: "%.1f", value) }

  private func label(_ value: Double) -> String {
    value == value.rounded() && abs(value) < 1e15 ? String(Int(value)) : String(format: "%.4g", value)
  }
}

/// A linear scale with round ticks.
private struct Scale {
  let low: Double
  let high: Double
  let from: Double
  let to: Double
  let ticks: [Double]

  init(_ values: [Double], from: Double, to: Double) {
    let least = values.min() ?? 0
    let most = values.max() ?? 1
    // A span of its own for a constant, so that it is drawn in the middle.
    let span = most > least ? most - least : max(abs(most), 1)
    low = most > least ? least - span * 0.02 : least - span / 2
    high = most > least ? most + span * 0.02 : most + span / 2
    self.from = from
    self.to = to
    // Steps of 1, 2 or 5 times a power of ten, about six of them.
    let raw = (high - low) / 6
    let power = pow(10, floor(log10(raw)))
    let step = [1, 2, 5, 10].map { $0 * power }.first { $0 >= raw } ?? power * 10
    let first = Int((low / step).rounded(.up))
    let last = Int((high / step).rounded(.down))
    ticks = first <= last ? (first...last).map { Double($0) * step } : []
  }

  func place(_ value: Double) -> Double { from + (value - low) / (high - low) * (to - from) }
}
