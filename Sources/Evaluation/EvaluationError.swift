import Diagnostics

/// What can go wrong in an evaluation; worded below.
package enum EvaluationError: Error, Sendable, Hashable {
  /// No token of any row is a label.
  case noLabels(rows: Int)
  /// A loss is not a number, first in one of these rows.
  case notFinite(rows: Range<Int>)
}

extension EvaluationError: DiagnosticError {
  package var diagnostics: [Diagnostic] {
    switch self {
    case .noLabels(let rows):
      [
        Diagnostic(
          code: "no-labels", "None of the \(rows) rows to evaluate has a label token",
          advice: "Look at the rows with `anneal render`: which text is trained on, and is it cut off by `max_length`?")
      ]
    case .notFinite(let rows):
      [
        Diagnostic(
          code: "loss-not-finite",
          "The loss of rows \(rows.lowerBound) to \(rows.upperBound - 1) is not a finite number",
          reason: "The model's weights or what it computes from them overflow")
      ]
    }
  }
}
