/// One thing that is wrong with what the user gave, in words: what, where, why and what to do.
///
/// Modules throw their own typed errors; each error type words itself in one file, `<Type>+Wording.swift`, by
/// conforming to ``DiagnosticError``. Grammar of the words: a capital first letter, no full stop at the end, names in
/// backticks, lists in brackets.
package struct Diagnostic: Error, Sendable, Hashable {
  package enum Severity: String, Sendable {
    case error
    case warning
  }

  /// A line of the source with the column (from 1, in scalars) that a caret points to.
  package struct Excerpt: Sendable, Hashable {
    package var line: String
    package var column: Int

    package init(line: String, column: Int) {
      self.line = line
      self.column = column
    }
  }

  /// Another place that belongs to the problem: the first of two duplicates, say.
  package struct Related: Sendable, Hashable {
    package var text: String
    package var place: Place

    package init(_ text: String, at place: Place) {
      self.text = text
      self.place = place
    }
  }

  package var severity: Severity
  /// A stable short name for machines, such as `unknown-field`.
  package var code: String
  /// What is wrong.
  package var summary: String
  package var place: Place?
  /// The path inside the document, such as `nodes.sft.learning_rate`.
  package var path: String?
  package var excerpt: Excerpt?
  /// Why it is wrong.
  package var reason: String?
  /// What to do about it; the nearest valid name stands here.
  package var advice: String?
  package var related: [Related]

  package init(
    _ severity: Severity = .error, code: String, _ summary: String, at place: Place? = nil, path: String? = nil,
    excerpt: Excerpt? = nil, reason: String? = nil, advice: String? = nil, related: [Related] = []
  ) {
    self.severity = severity
    self.code = code
    self.summary = summary
    self.place = place
    self.path = path
    self.excerpt = excerpt
    self.reason = reason
    self.advice = advice
    self.related = related
  }
}

/// A typed error that knows how to put itself into words.
package protocol DiagnosticError: Error {
  /// Never empty; all problems found, in the order of their places.
  var diagnostics: [Diagnostic] { get }
}

extension Diagnostic: DiagnosticError {
  package var diagnostics: [Diagnostic] { [self] }
}

/// Several problems reported at once.
package struct DiagnosticList: DiagnosticError {
  package var diagnostics: [Diagnostic]

  package init(_ diagnostics: [Diagnostic]) {
    self.diagnostics = diagnostics
  }
}

extension [Diagnostic] {
  /// The first `limit` of many problems of one kind, and how many more there are.
  package init<Problem>(
    _ problems: [Problem], limit: Int, code: String, at place: Place,
    words: (Problem) -> (summary: String, reason: String?, advice: String?)
  ) {
    self = problems.prefix(limit).map { problem in
      let (summary, reason, advice) = words(problem)
      return Diagnostic(code: code, summary, at: place, reason: reason, advice: advice)
    }
    if problems.count > limit {
      append(Diagnostic(code: code, "\(problems.count - limit) more problems of this kind", at: place))
    }
  }

  package var hasErrors: Bool { contains { $0.severity == .error } }
}
