import Diagnostics

/// What is wrong with a name that means nothing, with the ones that there are.
func unknown(_ name: String, _ known: [String], _ what: String) -> Diagnostic {
  Diagnostic(
    code: "unknown-name", "There is no \(what) `\(name)`",
    reason: known.isEmpty ? "there are none" : "there are [\(known.joined(separator: ", "))]",
    advice: nearestName(to: name, among: known).map { "`\($0)`" })
}
