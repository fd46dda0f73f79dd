import Diagnostics
import Pipeline
import PreciseJSON

/// The checks of one node, in the order in which they were made.
///
/// They are told in the log as they come; those that are not fine are warnings, and an error ends the node.
struct SanityReport {
  static let member = "sanity.json"
  static let detail = "sanity"

  private let context: NodeContext
  private var checks: [any SanityCheck] = []

  init(_ context: NodeContext) { self.context = context }

  /// Takes a check, nil where there was nothing to look at.
  ///
  /// - Throws: ``SanityError`` when its verdict is an error.
  mutating func add<Check: SanityCheck>(_ check: Check?) throws {
    guard let check else { return }
    try Self.refuse(check)
    checks.append(check)
    context.log("sanity: \(Check.name): \(check.verdict.rawValue): \(check.words.summary)")
    if check.verdict == .warning { context.warn(check.diagnostic) }
  }

  /// Ends the node where a check finds an error, and says nothing otherwise: for what is looked at once more later.
  ///
  /// - Throws: ``SanityError``.
  static func refuse(_ check: some SanityCheck) throws {
    if check.verdict == .error { throw SanityError(diagnostic: check.diagnostic) }
  }

  var json: JSON {
    JSON(
      checks.map { check in
        let words = check.words
        var members: [(key: String, value: JSON)] = [
          ("verdict", JSON(check.verdict.rawValue)), ("summary", JSON(words.summary)),
          ("evidence", JSON(check.evidence)),
        ]
        if check.verdict != .fine {
          if let reason = words.reason { members.append(("reason", JSON(reason))) }
          if let advice = words.advice { members.append(("advice", JSON(advice))) }
        }
        return (key: type(of: check).name, value: JSON(members))
      })
  }

  /// Puts the checks beside an output's numbers: `sanity.json`, and the detail that `anneal show` reads.
  func publish(to output: ArtefactBuilder) throws {
    try output.write(json.text(.pretty) + "\n", to: Self.member)
    describe(in: output)
  }

  /// Puts the checks into an output's details alone, where its files are for other programs.
  func describe(in output: ArtefactBuilder) { output.details[Self.detail] = json }
}

/// A check that found an error.
struct SanityError: Error, Sendable {
  let diagnostic: Diagnostic
}

extension SanityError: DiagnosticError {
  var diagnostics: [Diagnostic] { [diagnostic] }
}

extension SanityCheck {
  /// What was found, as a message.
  package var diagnostic: Diagnostic {
    let words = words
    return Diagnostic(
      verdict == .error ? .error : .warning, code: "sanity-\(Self.name.replacing("_", with: "-"))", words.summary,
      reason: words.reason, advice: words.advice)
  }
}
