import Diagnostics

/// A text that places point into: a pipeline file, or one `--set` argument.
package final class SourceText: Sendable {
  /// The file as messages name it.
  package let file: String
  let bytes: [UInt8]
  /// Whether places have lines and columns (a file) or not (an argument of the command line).
  let hasLines: Bool
  /// The lines without their ends, broken where libyaml breaks them.
  let lines: [String]

  /// A file's text; a byte order mark at its start is dropped.
  package init(file: String, bytes: [UInt8]) {
    self.file = file
    self.bytes = bytes.starts(with: [0xEF, 0xBB, 0xBF]) ? Array(bytes.dropFirst(3)) : bytes
    hasLines = true
    lines = Self.lines(of: String(decoding: self.bytes, as: UTF8.self))
  }

  /// An argument of the command line, whose value starts after `prefix` scalars.
  init(argument: String, prefix: Int, named name: String) {
    file = name
    // Blanks before the value keep its columns those of the argument.
    bytes = Array(repeating: 0x20, count: prefix) + Array(String(argument.unicodeScalars.dropFirst(prefix)).utf8)
    hasLines = false
    lines = [argument]
  }

  private static func lines(of text: String) -> [String] {
    var lines: [String] = []
    var line = String.UnicodeScalarView()
    var previous: Unicode.Scalar?
    for scalar in text.unicodeScalars {
      switch scalar {
      case "\n" where previous == "\r": break
      case "\n", "\r", "\u{85}", "\u{2028}", "\u{2029}":
        lines.append(String(line))
        line = String.UnicodeScalarView()
      default: line.append(scalar)
      }
      previous = scalar
    }
    lines.append(String(line))
    return lines
  }

  /// A position by line and column, both from 1, the column in scalars.
  func mark(line: Int, column: Int) -> Mark { Mark(source: self, line: line, column: column) }

  /// The whole text, for problems that have no line.
  package var wholeMark: Mark { Mark(source: self, line: nil, column: nil) }
}

/// A position in a source text.
package struct Mark: Sendable {
  let source: SourceText
  let line: Int?
  let column: Int?

  package var place: Place {
    source.hasLines ? Place(file: source.file, line: line, column: column) : Place(file: source.file)
  }

  /// The line with a caret, cut around it when very long; nil for an empty line.
  package var excerpt: Diagnostic.Excerpt? {
    guard let line, let column, source.lines.indices.contains(line - 1) else { return nil }
    let scalars = Array(source.lines[line - 1].unicodeScalars)
    guard !scalars.isEmpty else { return nil }
    let start = column > 100 ? column - 60 : 0
    let end = min(scalars.count, max(start, 0) + 160)
    guard start < end else { return nil }
    // Control characters would act on the terminal.
    let shown = scalars[start..<end].map { $0.value < 0x20 && $0 != "\t" || $0.value == 0x7F ? "\u{FFFD}" : $0 }
    let text = String(String.UnicodeScalarView(shown))
    return Diagnostic.Excerpt(line: text, column: min(column - start, end - start + 1))
  }
}

extension Mark: Comparable {
  package static func == (a: Mark, b: Mark) -> Bool {
    a.source === b.source && a.line == b.line && a.column == b.column
  }

  package static func < (a: Mark, b: Mark) -> Bool { (a.line ?? 0, a.column ?? 0) < (b.line ?? 0, b.column ?? 0) }
}
