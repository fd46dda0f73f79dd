import Diagnostics

extension Diagnostic {
  /// The same about something that stops nothing.
  package func asWarning() -> Diagnostic {
    var warning = self
    warning.severity = .warning
    return warning
  }
}
