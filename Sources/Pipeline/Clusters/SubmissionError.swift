import Diagnostics

/// What goes wrong with a pipeline that is handed over as a whole, here or in its jobs.
package enum SubmissionError: Error, Sendable, Hashable {
  /// Pods would see neither this store nor a cache that takes results.
  case nothingShared(store: String)
  /// What all pods read does not fit where they read it from.
  case tooLarge(bytes: Int, limit: Int)
  /// The pipeline, a file or the program is not what it was.
  case outdated(node: String)
  /// Results that other jobs should have published are not there.
  case missingInputs(node: String, of: [String])
  /// Jobs whose results it takes have failed.
  case failedBefore(node: String, failed: [String])
  /// The program that hands jobs over failed.
  case notHandedOver(program: String)
}

extension SubmissionError: DiagnosticError {
  package var diagnostics: [Diagnostic] { [diagnostic] }

  private var diagnostic: Diagnostic {
    switch self {
    case .nothingShared(let store):
      Diagnostic(
        code: "nothing-shared", "The pods would have no way to each other's results",
        reason: "the store `\(store)` lies in no volume of `--claim`, and no cache by HTTP takes results",
        advice:
          "name a claim with the store and the project in it (`--claim CLAIM:PATH`), or a cache (`--cache http://…`)")
    case .tooLarge(let bytes, let limit):
      Diagnostic(
        code: "submission-too-large", "The pipeline is too large to be given to pods",
        reason: "a ConfigMap holds \(byteCount(limit)), and there are \(byteCount(bytes))",
        advice: "submit fewer nodes at a time: name them behind the file")
    case .outdated(let node):
      Diagnostic(
        code: "order-outdated", "Node `\(node)` is not what was submitted",
        reason: "a file that it is made from, or the program, has changed since", advice: "submit the pipeline again")
    case .missingInputs(let node, let others):
      Diagnostic(
        code: "missing-inputs",
        "Node `\(node)` cannot begin: there are no results of [\(others.joined(separator: ", "))]",
        reason: "their jobs should have published them",
        advice: "see their logs; submit the pipeline again to make them")
    case .failedBefore(let node, let failed):
      Diagnostic(
        code: "failed-before", "Node `\(node)` is not run, since [\(failed.joined(separator: ", "))] failed",
        advice: "see their logs")
    case .notHandedOver(let program):
      Diagnostic(
        code: "not-handed-over", "Not all jobs were handed over: `\(program)` failed",
        advice: "what it has handed over stays; start it again to go on")
    }
  }
}
