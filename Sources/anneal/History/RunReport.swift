import Diagnostics
import FineTuningNodes
import Foundation
import Pipeline
import PreciseJSON

/// A run as one HTML page that needs no other file: graph, times, curves, checks, data, numbers and where it all comes from.
struct RunReport {
  let record: RunRecord
  private let pipeline: String
  private let timeline: RunTimeline
  private let results: [(node: RunRecord.Node, result: StoredResult?)]
  private let metrics: RunMetrics
  /// Pictures of nodes, which may be anybody's: nothing of them becomes part of the page.
  private let pictures: [(title: String, svg: [UInt8]?)]
  /// Bytes of a picture that is shown, and of all together.
  private static let pictureLimit = (one: 1 << 20, all: 16 << 20)

  /// - Throws: What keeps the record or the store from being read.
  init(_ record: RunRecord, _ history: RunHistory, _ store: Store) throws {
    self.record = record
    let metrics = RunMetrics(store)
    self.metrics = metrics
    timeline = try RunTimeline(record)
    pipeline =
      try FileSystem().read(history.pipelinePath(of: record.id)).map { String(decoding: $0, as: UTF8.self) } ?? ""
    results = try record.nodes.map { ($0, try metrics.result($0)) }
    var room = Self.pictureLimit.all
    pictures = try results.flatMap { node, result -> [(title: String, svg: [UInt8]?)] in
      guard let result else { return [] }
      return try result.outputs.sorted { $0.key < $1.key }.flatMap { port, artefact in
        try artefact.members.filter { $0.path.hasSuffix(".svg") }.map { member in
          let title = "\(node.name): \(member.path.dropLast(4))"
          let blob = result.shown(member, at: port)
          guard blob.size <= min(room, Self.pictureLimit.one) else { return (title, nil) }
          room -= blob.size
          return (title, try store.bytes(of: blob))
        }
      }
    }
  }

  /// The whole page.
  func html() throws -> String {
    let state = record.isAbandoned ? "killed" : record.state.rawValue
    let when = Date(timeIntervalSince1970: record.started).formatted(.iso8601)
    var body = [
      "<h1>\(escaped(record.pipeline)) <small>run \(escaped(record.id))</small></h1>",
      "<p class=\"\(state)\"><b>\(state)</b>\(record.seconds.map { " in " + duration($0) } ?? "") · \(when) · "
        + "<code>\(escaped(record.file))</code></p>",
    ]
    body += section("Numbers", Self.table(["number", "value"], try numbers()))
    body += section(
      "Parameters", Self.table(["param", "value"], record.parameters.map { [$0.name, $0.value] }))
    if !record.graph.isEmpty { body += section("Graph", "<figure>\(GraphPicture(record).svg)</figure>") }
    if !timeline.spans.isEmpty {
      body += section(
        "Time",
        "<figure>\(timeline.svg)</figure><p>The run waited for "
          + timeline.criticalPath.map { "<b>\(escaped($0))</b>" }.joined(separator: " → ") + ".</p>")
    }
    body += section("Curves", pictures.map { Self.figure($0.title, $0.svg) }.joined())
    body += section("Checks", checks)
    body += section("Problems", problems)
    body += section("Data", data)
    body += section(
      "Nodes",
      Self.table(
        ["node", "type", "state", "time", "memory", "key"],
        record.nodes.map { node in
          [
            node.name, node.type, node.state.rawValue, node.seconds.map(duration) ?? "",
            node.peakMemory.map(byteCount) ?? "", node.key?.short ?? "",
          ]
        }))
    body += section("Where it comes from", sources)
    body += section(
      "Program and machine", Self.table(["", ""], record.environment.members.map { [$0.key, plain($0.value)] }))
    body += section("Pipeline", pipeline.isEmpty ? "" : "<pre>\(escaped(pipeline))</pre>")
    return Self.page(title: "\(record.pipeline) · run \(record.id)", body.joined(separator: "\n"))
  }

  /// A picture as an image, in which no script runs.
  private static func figure(_ title: String, _ svg: [UInt8]?) -> String {
    let picture =
      svg.map { "<img alt=\"\(escaped(title))\" src=\"data:image/svg+xml;base64,\(Data($0).base64EncodedString())\">" }
      ?? "<p>The picture is too large for this page.</p>"
    return "<figure><h3>\(escaped(title))</h3>\(picture)</figure>"
  }

  private func section(_ title: String, _ content: String) -> [String] {
    content.isEmpty ? [] : ["<section><h2>\(title)</h2>", content, "</section>"]
  }

  /// A table with its first cells as texts; nothing where there are no rows.
  private static func table(_ head: [String], _ rows: [[String]]) -> String {
    guard !rows.isEmpty else { return "" }
    let titles = head.allSatisfy(\.isEmpty) ? "" : "<tr>\(head.map { "<th>\(escaped($0))</th>" }.joined())</tr>"
    return "<table>\(titles)"
      + rows.map { "<tr>\($0.map { "<td>\(escaped($0))</td>" }.joined())</tr>" }.joined(separator: "\n") + "</table>"
  }

  private func numbers() throws -> [[String]] {
    try record.nodes.flatMap { node in
      try metrics.numbers(node).map { ["\(node.name).\($0.name)", EventWords.value($0.value, .plain)] }
    }
  }

  private var checks: String {
    let found = results.flatMap { node, result in
      (result.map { SanityFindings($0).all } ?? []).map { (node.name, $0) }
    }
    let rows = found.sorted { ($0.1.verdict == .fine ? 1 : 0) < ($1.1.verdict == .fine ? 1 : 0) }.map { name, finding in
      "<tr class=\"\(finding.verdict.rawValue)\"><td>\(finding.verdict.rawValue)</td><td>\(escaped(name))</td>"
        + "<td>\(escaped(finding.summary))</td></tr>"
    }
    return rows.isEmpty ? "" : "<table>\(rows.joined(separator: "\n"))</table>"
  }

  private var problems: String {
    record.nodes.filter { !$0.problems.isEmpty }.map { node in
      "<h3>\(escaped(node.name))</h3><pre>\(escaped(node.problems.rendered(color: false)))</pre>"
    }.joined()
  }

  /// What nodes say about what they made, other than numbers of metrics and checks.
  private var data: String {
    results.flatMap { node, result in
      (result?.outputs ?? [:]).sorted { $0.key < $1.key }.compactMap { port, artefact -> String? in
        guard artefact.type.name != ArtefactName.metrics else { return nil }
        let told = artefact.details.members.filter { $0.key != SanityFindings.detail }
        guard !told.isEmpty else { return nil }
        return "<h3>\(escaped(node.name)).\(escaped(port)) <small>\(escaped(artefact.type.name)), "
          + "\(byteCount(artefact.size))</small></h3>"
          + Self.table(["", ""], told.map { [$0.key, plain($0.value)] })
      }
    }.joined()
  }

  private var sources: String {
    Self.table(
      ["file", "node", "size", "sha256"],
      record.graph.flatMap { node in
        node.sources.map { [$0.path, node.name, byteCount($0.size), $0.digest.hex] }
      })
  }

  private static func page(title: String, _ body: String) -> String {
    """
    <!doctype html>
    <html lang="en"><head><meta charset="utf-8"><meta name="viewport" content="width=device-width">
    <meta http-equiv="Content-Security-Policy" content="default-src 'none'; style-src 'unsafe-inline'; img-src data:">
    <title>\(escaped(title))</title>
    <style>
    body { font: 15px/1.5 system-ui, sans-serif; color: #222; background: #fff; max-width: 60rem; margin: 2rem auto; padding: 0 1rem }
    h1 small, h3 small { font-weight: normal; color: #777; font-size: 60% }
    h2 { border-bottom: 1px solid #ddd; padding-bottom: .2rem; margin-top: 2.2rem }
    table { border-collapse: collapse; display: block; overflow-x: auto }
    td, th { text-align: left; vertical-align: top; padding: .2rem .9rem .2rem 0; border-bottom: 1px solid #eee }
    pre, code { font: 13px/1.45 ui-monospace, monospace } pre { background: #f6f6f4; padding: .8rem; overflow-x: auto }
    figure { margin: 1rem 0; overflow-x: auto } figure svg { max-width: 100%; height: auto } figure img { width: 100%; height: auto }
    .failed b, tr.failed td:first-child { color: #c62828 } tr.warning td:first-child { color: #b58900 } .done b { color: #2e7d32 }
    </style></head><body>
    \(body)
    </body></html>

    """
  }
}
