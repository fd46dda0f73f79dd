import Diagnostics

/// What can be wrong with an adapter; worded below.
package enum AdapterError: Error, Sendable, Hashable {
  case unknownTarget(String, known: [String])
  case noTargets
  case rank(Int)
  case dropout(Float)
  case alpha(Float)
  /// The model has an adapter already.
  case alreadyAttached
  case noAdapter
}

extension AdapterError: DiagnosticError {
  package var diagnostics: [Diagnostic] {
    switch self {
    case .unknownTarget(let name, let known):
      let names = ["all_linear"] + known
      let near = nearestName(to: name, among: names).map { "Did you mean `\($0)`?" }
      return [
        Diagnostic(
          code: "adapter-target", "No linear map is named `\(name)`",
          advice: near ?? "Choose from [\(names.joined(separator: ", "))]")
      ]
    case .noTargets:
      return [
        Diagnostic(
          code: "adapter-target", "The adapter has no targets", advice: "Write `all_linear` to adapt every linear map")
      ]
    case .rank(let rank):
      return [Diagnostic(code: "adapter-rank", "The rank of an adapter is at least 1, not \(rank)")]
    case .dropout(let dropout):
      return [
        Diagnostic(code: "adapter-dropout", "The dropout of an adapter is at least 0 and below 1, not \(dropout)")
      ]
    case .alpha(let alpha):
      return [
        Diagnostic(
          code: "adapter-alpha", "The alpha of an adapter is a number that 32 bits hold, not \(alpha)",
          advice: "take twice the rank, or leave it out")
      ]
    case .alreadyAttached:
      return [
        Diagnostic(
          code: "adapter-attached", "The model has an adapter already", advice: "Merge it before attaching another one"
        )
      ]
    case .noAdapter: return [Diagnostic(code: "no-adapter", "The model has no adapter")]
    }
  }
}
