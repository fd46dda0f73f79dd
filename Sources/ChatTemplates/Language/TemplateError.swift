import Diagnostics

/// What is wrong with a chat template, or with rendering it, and where in the template.
package struct TemplateError: Error, Sendable, Hashable {
  package enum Kind: String, Sendable {
    /// The source is not a template.
    case syntax = "template-syntax"
    /// The source uses a part of Jinja that chat templates do not need and that is refused.
    case unsupported = "template-unsupported"
    /// An operation that Python refuses too.
    case evaluation = "template-evaluation"
    /// The template itself refused the messages, by `raise_exception`.
    case raised = "template-raised"
    /// One of the limits on time and memory was reached.
    case limit = "template-limit"
  }

  package var kind: Kind
  /// What is wrong, as a sentence.
  package var words: String
  /// The name of the template.
  package var template: String
  /// From 1.
  package var line: Int
  /// In scalars from 1.
  package var column: Int
  /// The line of the template that holds the place, shortened to its surroundings.
  package var excerpt: String
  /// Where the place is in the excerpt, in scalars from 1.
  package var excerptColumn: Int
}

extension TemplateError: DiagnosticError {
  package var diagnostics: [Diagnostic] {
    let summary =
      switch kind {
      case .raised: "The chat template refuses these messages: \(words)"
      case .syntax: "Invalid chat template: \(words)"
      case .unsupported, .evaluation, .limit: words
      }
    return [
      Diagnostic(
        code: kind.rawValue, summary, at: Place(file: template, line: line, column: column),
        excerpt: Diagnostic.Excerpt(line: excerpt, column: excerptColumn))
    ]
  }
}

/// The source of a template with its lines, for the places of errors.
struct TemplateSource: Sendable {
  let name: String
  let scalars: [Unicode.Scalar]

  /// Normalises line ends and drops one trailing line end, as Jinja does before reading.
  init(_ source: String, name: String) {
    self.name = name
    var scalars: [Unicode.Scalar] = []
    var previous: Unicode.Scalar?
    for scalar in source.unicodeScalars {
      if scalar == "\r" {
        scalars.append("\n")
      } else if !(scalar == "\n" && previous == "\r") {
        scalars.append(scalar)
      }
      previous = scalar
    }
    if scalars.last == "\n" { scalars.removeLast() }
    self.scalars = scalars
  }

  func error(_ fault: Fault, at position: Int) -> TemplateError {
    let position = min(position, scalars.count)
    var line = 1
    var start = 0
    for i in 0..<position where scalars[i] == "\n" {
      line += 1
      start = i + 1
    }
    let end = scalars[start...].firstIndex(of: "\n") ?? scalars.count
    // A template on one line can be long: the excerpt shows the surroundings.
    let from = max(start, position - 60)
    let excerpt = Text(scalars: Array(scalars[from..<min(end, position + 60)])).string
    return TemplateError(
      kind: fault.kind, words: fault.words, template: name, line: line, column: position - start + 1,
      excerpt: excerpt, excerptColumn: position - from + 1)
  }
}
