import Diagnostics

/// Everything that is wrong with a model's configuration; worded below.
package struct ModelConfigurationError: Error, Sendable, Hashable {
  package enum Problem: Sendable, Hashable {
    case missing(key: String)
    case wrongKind(key: String, wanted: String, found: String)
    case outOfRange(key: String, wanted: String, found: String)
    /// A value that means something this program does not compute.
    case unsupported(key: String, found: String, supported: [String])
    /// A family that is not here.
    ///
    /// - Parameter languageModel: What a model that takes more than text says its language model is of.
    case unknownFamily(key: String, found: String, supported: [String], languageModel: String? = nil)
    /// A key of which it is not known whether it changes what is computed.
    case unknown(key: String)
    case inconsistent(String)
    case notAnObject(found: String)
  }

  package var file: String
  package var problems: [Problem]

  package init(file: String, problems: [Problem]) {
    self.file = file
    self.problems = problems
  }
}

extension ModelConfigurationError: DiagnosticError {
  package var diagnostics: [Diagnostic] { problems.map { words($0) } }

  private static func advice(_ found: String, _ supported: [String]) -> String {
    // A number near another one is no slip.
    if Double(found) == nil, let near = nearestName(to: found, among: supported) { return "Did you mean `\(near)`?" }
    return "Supported are \(list(supported))"
  }

  /// What to do about a family that is not here: a name that was misspelled, the language model in one that takes more than
  /// text, or those of the same maker.
  private static func familyAdvice(_ found: String, _ supported: [String], languageModel: String?) -> String {
    if let text = supported.first(where: { $0 == languageModel ?? found + "_text" }) {
      return "`\(found)` takes more than text; its language model alone, `\(text)`, is supported"
    }
    if languageModel != nil { return "`\(found)` takes more than text; models of text alone are supported" }
    let numbered = NumberedName(found)
    let near = numbered.map { $0.nearest(among: supported) } ?? nearestName(to: found, among: supported)
    if let near, !ModelFamilies.others.contains(found), ModelFamilies.relatives[found] == nil {
      return "Did you mean `\(near)`?"
    }
    var related = ModelFamilies.relatives[found]?.filter(supported.contains) ?? []
    if related.isEmpty { related = supported.filter { NumberedName.stem($0) == NumberedName.stem(found) } }
    if related.isEmpty {
      // Words are run together in some names: `phimoe`, `granitemoehybrid`.
      related = supported.filter { name in
        let stem = NumberedName.stem(name)
        return stem.utf8.count >= 3 && found.hasPrefix(stem)
      }
    }
    return related.isEmpty ? "Supported are \(list(supported))" : "Of its relatives \(list(related)) are supported"
  }

  private static func list(_ names: [String]) -> String { "[\(names.joined(separator: ", "))]" }

  private func words(_ problem: Problem) -> Diagnostic {
    let place = Place(file: file)
    switch problem {
    case .missing(let key):
      return Diagnostic(code: "model-configuration", "The model's configuration has no `\(key)`", at: place, path: key)
    case .wrongKind(let key, let wanted, let found):
      return Diagnostic(
        code: "model-configuration", "`\(key)` is \(found), not \(wanted)", at: place, path: key)
    case .outOfRange(let key, let wanted, let found):
      return Diagnostic(
        code: "model-configuration", "`\(key)` is \(found), not \(wanted)", at: place, path: key)
    case .unsupported(let key, let found, let supported):
      return Diagnostic(
        code: "unsupported-model", "`\(key)` is `\(found)`, which is not supported", at: place, path: key,
        advice: Self.advice(found, supported))
    case .unknownFamily(let key, let found, let supported, let languageModel):
      return Diagnostic(
        code: "unsupported-model", "`\(key)` is `\(found)`, which is not supported", at: place, path: key,
        advice: Self.familyAdvice(found, supported, languageModel: languageModel))
    case .unknown(let key):
      return Diagnostic(
        code: "unknown-configuration-key", "`\(key)` is not known", at: place, path: key,
        reason: "it may change what the model computes, and nothing here would compute it",
        advice: "remove it from the file if it changes nothing")
    case .inconsistent(let text):
      return Diagnostic(code: "model-configuration", text, at: place)
    case .notAnObject(let found):
      return Diagnostic(code: "model-configuration", "The model's configuration is \(found), not an object", at: place)
    }
  }
}
