extension Diagnostic {
  /// The problem as lines for a terminal.
  ///
  ///     sft.yaml:9:5: error: Unknown field `learning_rat`
  ///         learning_rat: 1e-4
  ///         ^
  ///       at `nodes.sft.learning_rat`
  ///       why: node type `train` has no such field
  ///       try: `learning_rate`
  package func rendered(color: Bool = false) -> String {
    let bold = color ? "\u{1B}[1m" : ""
    let paint = color ? (severity == .error ? "\u{1B}[31m" : "\u{1B}[33m") : ""
    let end = color ? "\u{1B}[0m" : ""
    var lines: [String] = []
    let whereabouts = place.map { "\($0): " } ?? ""
    lines.append("\(bold)\(whereabouts)\(end)\(paint)\(severity.rawValue):\(end) \(bold)\(summary)\(end)")
    if let excerpt {
      // Tabs keep their width under the caret when the padding repeats them.
      let scalars = excerpt.line.unicodeScalars
      let pad = scalars.prefix(max(0, excerpt.column - 1)).map { $0 == "\t" ? "\t" : " " }.joined()
      lines.append("    \(excerpt.line)")
      lines.append("    \(pad)\(paint)^\(end)")
    }
    if let path { lines.append("  at `\(path)`") }
    if let reason { lines.append("  why: \(reason)") }
    if let advice { lines.append("  try: \(advice)") }
    for other in related { lines.append("  see: \(other.place): \(other.text)") }
    return lines.joined(separator: "\n")
  }
}

extension [Diagnostic] {
  /// All problems, one after the other.
  package func rendered(color: Bool = false) -> String {
    map { $0.rendered(color: color) }.joined(separator: "\n")
  }
}

/// The words for any error: its own when it has them, the system's description otherwise.
package func diagnostics(of error: any Error) -> [Diagnostic] {
  if let error = error as? any DiagnosticError { return error.diagnostics }
  return [Diagnostic(code: "internal", "\(error)")]
}
