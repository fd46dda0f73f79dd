import Diagnostics

extension WeightError: DiagnosticError {
  package var diagnostics: [Diagnostic] {
    switch self {
    case .missing(let names, let origin):
      let listed = names.prefix(5).map { "`\($0)`" }.joined(separator: ", ")
      let rest = names.count > 5 ? " and \(names.count - 5) more" : ""
      return [
        Diagnostic(
          code: "missing-tensor", "The model's files lack [\(listed)]\(rest)", at: Place(file: origin),
          reason: "The configuration says that the model has them")
      ]
    case .shape(let name, let wanted, let found, let origin):
      return [
        Diagnostic(
          code: "tensor-shape", "`\(name)` has shape \(found), the configuration wants \(wanted)",
          at: Place(file: origin))
      ]
    case .rounded(let name):
      return [
        Diagnostic(
          code: "rounded-tensor", "`\(name)` is kept rounded, its exact values are gone",
          advice: "Take the model with `compute: f32`")
      ]
    case .unknown(let name):
      return [Diagnostic(code: "unknown-tensor", "The model has no tensor named `\(name)`")]
    }
  }
}
