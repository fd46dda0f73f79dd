import Pipeline

extension Sketch {
  /// The pipeline as a file, with what each field came from beside it.
  ///
  /// - Parameters:
  ///   - head: Lines above it, as comments.
  ///   - tail: Lines below it, as comments.
  func text(head: [String], tail: [String]) -> String {
    var lines = head.map(Self.comment)
    lines.append("pipeline: \(name.escaped.inlineYAML)")
    lines += ["", "nodes:"]
    for (index, node) in nodes.enumerated() {
      if index > 0 { lines.append("") }
      if let comment = node.comment { lines.append("  \(Self.comment(comment))") }
      lines.append("  \(node.name):")
      lines.append("    type: \(node.type)")
      lines += Self.lines(of: node.fields, indent: 4)
    }
    if !outputs.isEmpty { lines += ["", "outputs: [\(outputs.joined(separator: ", "))]"] }
    if !tail.isEmpty { lines += [""] + tail.map(Self.comment) }
    return lines.joined(separator: "\n") + "\n"
  }

  /// A text as a comment; an empty one is an empty line of it.
  private static func comment(_ text: String) -> String { text.isEmpty ? "#" : "# \(text)" }

  private static func lines(of fields: [Field], indent: Int) -> [String] {
    let blanks = String(repeating: " ", count: indent)
    var lines: [String] = []
    var done: Set<String> = []
    for field in fields {
      guard let dot = field.name.firstIndex(of: ".") else {
        let comment = field.comment.map { "  # \($0)" } ?? ""
        lines.append("\(blanks)\(field.name): \(field.value.escaped.inlineYAML)\(comment)")
        continue
      }
      let group = String(field.name[..<dot])
      guard done.insert(group).inserted else { continue }
      lines.append("\(blanks)\(group):")
      let inner = fields.filter { $0.name.hasPrefix(group + ".") }.map { field in
        Field(name: String(field.name.dropFirst(group.count + 1)), value: field.value, comment: field.comment)
      }
      lines += Self.lines(of: inner, indent: indent + 2)
    }
    return lines
  }
}
