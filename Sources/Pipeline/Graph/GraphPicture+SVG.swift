extension GraphPicture {
  /// The picture as an SVG that needs no other program, readable on light and dark ground.
  ///
  /// Layers from left to right by the longest way from a start; within a layer nodes stand where the middle of their
  /// neighbours is (Sugiyama 1981, with a few sweeps of barycentres). An edge that passes layers gets a place in each of
  /// them, so that it does not run through boxes.
  package var svg: String {
    let layout = Layout(self)
    var lines = [
      "<svg xmlns=\"http://www.w3.org/2000/svg\" viewBox=\"0 0 \(layout.width) \(layout.height)\""
        + " width=\"\(layout.width)\" height=\"\(layout.height)\" font-family=\"sans-serif\" font-size=\"13\">",
      "  <title>\(Self.escaped(name))</title>",
      "  <defs><marker id=\"arrow\" viewBox=\"0 0 8 8\" refX=\"7\" refY=\"4\" markerWidth=\"7\" markerHeight=\"7\""
        + " orient=\"auto\"><path d=\"M0,0 L8,4 L0,8 z\" fill=\"#888888\"/></marker></defs>",
    ]
    for (edge, points) in zip(edges, layout.routes) {
      var path = "M\(points[0].x),\(points[0].y)"
      for (a, b) in zip(points, points.dropFirst()) {
        let middle = (a.x + b.x) / 2
        path += " C\(middle),\(a.y) \(middle),\(b.y) \(b.x),\(b.y)"
      }
      lines.append(
        "  <path d=\"\(path)\" fill=\"none\" stroke=\"#888888\" stroke-width=\"1.4\" marker-end=\"url(#arrow)\">"
          + "<title>\(Self.escaped("\(nodes[edge.from].name).\(edge.output) → \(nodes[edge.to].name).\(edge.port)"))</title></path>"
      )
    }
    for (index, node) in nodes.enumerated() {
      let box = layout.boxes[index]
      let (fill, line) = colors(node)
      let center = box.x + box.width / 2
      lines += [
        "  <g>",
        "    <rect x=\"\(box.x)\" y=\"\(box.y)\" width=\"\(box.width)\" height=\"\(Layout.boxHeight)\" rx=\"7\""
          + " fill=\"\(fill)\" stroke=\"\(line)\" stroke-width=\"\(node.isOutput ? "2.4" : "1.2")\"/>",
        "    <text x=\"\(center)\" y=\"\(box.y + 19)\" text-anchor=\"middle\" fill=\"#222222\" font-weight=\"600\">"
          + "\(Self.escaped(node.name))</text>",
        "    <text x=\"\(center)\" y=\"\(box.y + 35)\" text-anchor=\"middle\" fill=\"#555555\" font-size=\"11\">"
          + "\(Self.escaped(node.type + (node.state.map { " · \($0.rawValue)" } ?? "")))</text>",
        "  </g>",
      ]
    }
    return (lines + ["</svg>"]).joined(separator: "\n") + "\n"
  }

  private static func escaped(_ text: String) -> String {
    text.unicodeScalars.reduce(into: "") { result, scalar in
      switch scalar {
      case "&": result += "&amp;"
      case "<": result += "&lt;"
      case ">": result += "&gt;"
      case "\"": result += "&quot;"
      default: result.unicodeScalars.append(scalar)
      }
    }
  }
}

/// Where everything stands, in pixels.
private struct Layout {
  static let boxHeight = 46
  private static let gapX = 64
  private static let gapY = 22
  private static let margin = 16
  private static let sweeps = 8

  struct Box {
    var x: Int
    var y: Int
    var width: Int
  }

  struct Point {
    var x: Int
    var y: Int
  }

  var boxes: [Box] = []
  /// The points of every edge, from its producer to its consumer.
  var routes: [[Point]] = []
  var width = 0
  var height = 0

  /// A box, or the place of an edge in a layer that it passes.
  private struct Cell {
    var layer: Int
    var width: Int
    var isBox: Bool
    var above: [Int] = []
    var below: [Int] = []
  }

  init(_ picture: GraphPicture) {
    var layers = [Int](repeating: 0, count: picture.nodes.count)
    // Producers stand before consumers, so one pass gives the longest ways.
    for edge in picture.edges.sorted(by: { $0.to < $1.to }) {
      layers[edge.to] = max(layers[edge.to], layers[edge.from] + 1)
    }
    var cells = picture.nodes.enumerated().map { index, node in
      let letters = max(node.name.unicodeScalars.count * 8, (node.type.unicodeScalars.count + 11) * 6)
      return Cell(layer: layers[index], width: letters + 24, isBox: true)
    }
    var chains: [[Int]] = []
    for edge in picture.edges {
      var chain = [edge.from]
      for layer in (layers[edge.from] + 1)..<max(layers[edge.to], layers[edge.from] + 1) {
        cells.append(Cell(layer: layer, width: 0, isBox: false))
        chain.append(cells.count - 1)
      }
      chain.append(edge.to)
      for (a, b) in zip(chain, chain.dropFirst()) {
        cells[a].below.append(b)
        cells[b].above.append(a)
      }
      chains.append(chain)
    }
    let rows = Self.order(cells)
    place(cells, rows, chains, boxCount: picture.nodes.count)
  }

  /// The cells of each layer from top to bottom.
  private static func order(_ cells: [Cell]) -> [[Int]] {
    let count = (cells.map(\.layer).max() ?? -1) + 1
    var rows = (0..<count).map { layer in cells.indices.filter { cells[$0].layer == layer } }
    var position = [Double](repeating: 0, count: cells.count)
    func number(_ row: [Int]) { for (place, cell) in row.enumerated() { position[cell] = Double(place) } }
    for row in rows { number(row) }
    for sweep in 0..<sweeps {
      let downwards = sweep % 2 == 0
      for layer in downwards ? Array(rows.indices) : rows.indices.reversed() {
        let wanted = rows[layer].map { cell -> (cell: Int, middle: Double) in
          let neighbours = downwards ? cells[cell].above : cells[cell].below
          let middle =
            neighbours.isEmpty
            ? position[cell] : neighbours.reduce(0) { $0 + position[$1] } / Double(neighbours.count)
          return (cell, middle)
        }
        rows[layer] = wanted.sorted { ($0.middle, $0.cell) < ($1.middle, $1.cell) }.map(\.cell)
        number(rows[layer])
      }
    }
    return rows
  }

  private mutating func place(_ cells: [Cell], _ rows: [[Int]], _ chains: [[Int]], boxCount: Int) {
    func tall(_ cell: Int) -> Int { cells[cell].isBox ? Self.boxHeight : 8 }
    let heights = rows.map { row in row.reduce(0) { $0 + tall($1) } + max(0, row.count - 1) * Self.gapY }
    let tallest = heights.max() ?? 0
    var centers = [Point](repeating: Point(x: 0, y: 0), count: cells.count)
    var widths = [Int](repeating: 0, count: cells.count)
    var x = Self.margin
    for (layer, row) in rows.enumerated() {
      let widest = row.map { cells[$0].width }.max() ?? 0
      var y = Self.margin + (tallest - heights[layer]) / 2
      for cell in row {
        centers[cell] = Point(x: x + widest / 2, y: y + tall(cell) / 2)
        widths[cell] = widest
        y += tall(cell) + Self.gapY
      }
      x += widest + Self.gapX
    }
    boxes = (0..<boxCount).map {
      Box(x: centers[$0].x - widths[$0] / 2, y: centers[$0].y - Self.boxHeight / 2, width: widths[$0])
    }
    routes = chains.map { chain in
      chain.enumerated().flatMap { place, cell -> [Point] in
        let (center, half) = (centers[cell], widths[cell] / 2)
        if place == 0 { return [Point(x: center.x + half, y: center.y)] }
        if place == chain.count - 1 { return [Point(x: center.x - half, y: center.y)] }
        return [Point(x: center.x - half, y: center.y), Point(x: center.x + half, y: center.y)]
      }
    }
    width = max(x - Self.gapX + Self.margin, 2 * Self.margin)
    height = tallest + 2 * Self.margin
  }
}
