import Foundation
import Pipeline
import PreciseJSON

/// When the nodes of a run did their work, as its events tell.
struct RunTimeline {
  struct Span {
    var node: String
    /// In seconds since the run began.
    var start: Double
    var end: Double
    var state: NodeState
  }

  private(set) var spans: [Span] = []
  /// The nodes that the run had to wait for, one after the other: none of them could have been faster without the run
  /// being so.
  private(set) var criticalPath: [String] = []

  /// - Throws: ``SystemError`` where the events cannot be read.
  init(_ record: RunRecord) throws {
    let text = try FileSystem().read(record.folder + "/events.jsonl").map { String(decoding: $0, as: UTF8.self) } ?? ""
    var started: [String: Double] = [:]
    for line in text.split(separator: "\n") {
      // A run that was killed may have left half a line.
      guard let event = try? JSON(parsing: String(line)), let time = event["time"]?.double,
        let node = event["node"]?.string
      else { continue }
      switch event["event"]?.string {
      case "node_started": if started[node] == nil { started[node] = time - record.started }
      case "node_ended":
        guard let start = started[node],
          let state = event["record"]?["state"]?.string.flatMap(NodeState.init)
        else { continue }
        spans.append(Span(node: node, start: start, end: time - record.started, state: state))
      default: continue
      }
    }
    spans.sort { ($0.start, $0.end) < ($1.start, $1.end) }
    criticalPath = Self.path(spans, record.graph)
  }

  /// Backwards from the node that ended last: of those it was made from, the one that ended last, and so on.
  private static func path(_ spans: [Span], _ graph: [RunRecord.Declared]) -> [String] {
    let ends = Dictionary(spans.map { ($0.node, $0.end) }) { first, _ in first }
    var path: [String] = []
    var next = spans.max { $0.end < $1.end }?.node
    while let node = next {
      path.append(node)
      let inputs = graph.first { $0.name == node }?.inputs.map(\.node) ?? []
      next = inputs.filter { ends[$0] != nil && !path.contains($0) }.max { (ends[$0] ?? 0) < (ends[$1] ?? 0) }
    }
    return path.reversed()
  }

  /// A bar a node over the seconds of the run, those of the critical path dark.
  var svg: String {
    // A letter is about 7 wide.
    let left = max(190.0, 7 * Double(spans.map(\.node.count).max() ?? 0) + 16)
    let (width, row, top) = (670 + left, 24.0, 8.0)
    let length = max(spans.map(\.end).max() ?? 0, 1e-3)
    let scale = (width - left - 70) / length
    let height = top + row * Double(spans.count) + 26
    var parts = [
      "<svg xmlns=\"http://www.w3.org/2000/svg\" viewBox=\"0 0 \(Int(width)) \(Int(height))\" "
        + "font-family=\"system-ui, sans-serif\" font-size=\"12\">"
    ]
    for (index, span) in spans.enumerated() {
      let y = top + row * Double(index)
      let color =
        span.state == .failed ? "#c62828" : criticalPath.contains(span.node) ? "#1848a0" : "#9db8e0"
      let (x, long) = (left + span.start * scale, max((span.end - span.start) * scale, 2))
      parts.append(
        "<text x=\"\(left - 8)\" y=\"\(y + 15)\" text-anchor=\"end\" fill=\"#222222\">\(escaped(span.node))</text>"
          + String(format: "<rect x=\"%.1f\" y=\"%.1f\" width=\"%.1f\" height=\"15\" rx=\"3\" ", x, y + 3, long)
          + "fill=\"\(color)\"/>"
          + String(format: "<text x=\"%.1f\" y=\"%.1f\" fill=\"#555555\">", x + long + 6, y + 15)
          + "\(duration(span.end - span.start))</text>")
    }
    parts.append(
      "<text x=\"\(left)\" y=\"\(height - 8)\" fill=\"#555555\">0</text>"
        + "<text x=\"\(width - 70)\" y=\"\(height - 8)\" text-anchor=\"end\" fill=\"#555555\">\(duration(length))</text>"
    )
    return (parts + ["</svg>"]).joined(separator: "\n")
  }
}

/// A text as it stands in HTML, SVG and attributes of both.
func escaped(_ text: String) -> String {
  text.replacing("&", with: "&amp;").replacing("<", with: "&lt;").replacing(">", with: "&gt;")
    .replacing("\"", with: "&quot;")
}
