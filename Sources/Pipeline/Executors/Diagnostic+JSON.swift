import Diagnostics
import PreciseJSON

extension Place {
  /// The place as a JSON object with the members that are known.
  package var json: JSON {
    var object = JSONObject([(key: "file", value: JSON(file))])
    if let line { object["line"] = JSON(line) }
    if let column { object["column"] = JSON(column) }
    if let row { object["row"] = JSON(row) }
    if let byteOffset { object["byte_offset"] = JSON(byteOffset) }
    return .object(object)
  }

  init?(json: JSON) {
    guard let file = json["file"]?.string else { return nil }
    self.init(
      file: file, line: json["line"]?.int, column: json["column"]?.int, row: json["row"]?.int,
      byteOffset: json["byte_offset"]?.int)
  }
}

extension Diagnostic {
  /// The problem as a JSON object: what `--json` prints, and how it comes from a worker process.
  package var json: JSON {
    var object = JSONObject([
      (key: "severity", value: JSON(severity.rawValue)), (key: "code", value: JSON(code)),
      (key: "summary", value: JSON(summary)),
    ])
    if let place { object["place"] = place.json }
    if let path { object["path"] = JSON(path) }
    if let excerpt { object["excerpt"] = ["line": JSON(excerpt.line), "column": JSON(excerpt.column)] }
    if let reason { object["reason"] = JSON(reason) }
    if let advice { object["advice"] = JSON(advice) }
    if !related.isEmpty {
      object["related"] = .array(related.map { ["text": JSON($0.text), "place": $0.place.json] })
    }
    return .object(object)
  }

  package init?(json: JSON) {
    guard let severity = json["severity"]?.string.flatMap(Severity.init), let code = json["code"]?.string,
      let summary = json["summary"]?.string
    else { return nil }
    var excerpt: Excerpt?
    if let line = json["excerpt"]?["line"]?.string, let column = json["excerpt"]?["column"]?.int {
      excerpt = Excerpt(line: line, column: column)
    }
    self.init(
      severity, code: code, summary, at: json["place"].flatMap(Place.init(json:)), path: json["path"]?.string,
      excerpt: excerpt, reason: json["reason"]?.string, advice: json["advice"]?.string,
      related: (json["related"]?.array ?? []).compactMap { related in
        guard let text = related["text"]?.string, let place = related["place"].flatMap(Place.init(json:)) else {
          return nil
        }
        return Related(text, at: place)
      })
  }
}
