import Diagnostics

/// Scores that cannot be used.
enum ReferenceScoresError: Error, Sendable {
  /// A file that does not hold what was written.
  case damaged(file: String)
  /// Scores at an input port that were made of other rows.
  case otherRows(port: String, rows: String)
}

extension ReferenceScoresError: DiagnosticError {
  var diagnostics: [Diagnostic] {
    switch self {
    case .damaged(let file):
      [Diagnostic(code: "reference-scores", "The reference's log-probabilities are damaged", at: Place(file: file))]
    case .otherRows(let port, let rows):
      [
        Diagnostic(
          code: "reference-scores", "The scores at `\(port)` are of other rows than the \(rows)",
          reason: "each row has scores of its own",
          advice:
            "list these rows in `data` of the node of type `score`, too: `data: [tokens.train, tokens.validation]`")
      ]
    }
  }
}
