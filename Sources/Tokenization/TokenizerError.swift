import Diagnostics

/// What is wrong with a tokenizer's files, and where.
package struct TokenizerError: Error, Sendable, Hashable {
  package enum Problem: Sendable, Hashable {
    /// Nothing stands where `expected` must.
    case missing(expected: String)
    case wrongType(expected: String, found: String)
    /// A component or setting whose name is not one of `known`.
    case unknownName(kind: String, name: String, known: [String])
    /// Something this program knows but does not do.
    case unsupported(String, reason: String)
    case invalidValue(String, reason: String)
    /// A merge or a setting speaks of a token that the vocabulary lacks.
    case unknownToken(String)
    case duplicateToken(String)
    case duplicateID(Int, first: String, second: String)
    case idOutOfRange(String, limit: Int)
    case invalidMerge(String)
    case invalidPattern(String, reason: String)
    /// A folder without any tokenizer in it.
    case noTokenizer(expected: [String])
  }

  package var problem: Problem
  package var file: String
  /// The path inside the document, such as `pre_tokenizer.pretokenizers[0].type`.
  package var path: String?
  package var byteOffset: Int?

  package init(_ problem: Problem, file: String, path: String? = nil, byteOffset: Int? = nil) {
    self.problem = problem
    self.file = file
    self.path = path
    self.byteOffset = byteOffset
  }
}

extension TokenizerError: DiagnosticError {
  package var diagnostics: [Diagnostic] {
    let (summary, reason, advice) = words
    return [
      Diagnostic(
        code: "tokenizer", summary, at: Place(file: file, byteOffset: byteOffset), path: path, reason: reason,
        advice: advice)
    ]
  }

  private var words: (summary: String, reason: String?, advice: String?) {
    switch problem {
    case .missing(let expected): ("Missing \(expected)", nil, nil)
    case .wrongType(let expected, let found): ("Expected \(expected), found \(found)", nil, nil)
    case .unknownName(let kind, let name, let known):
      (
        "Unknown \(kind) `\(name)`", "known: [\(known.joined(separator: ", "))]",
        nearestName(to: name, among: known).map { "`\($0)`" }
      )
    case .unsupported(let what, let reason): ("Unsupported \(what)", reason, nil)
    case .invalidValue(let what, let reason): ("Invalid \(what)", reason, nil)
    case .unknownToken(let token): ("Token `\(token)` is not in the vocabulary", nil, nil)
    case .duplicateToken(let token): ("Token `\(token)` stands twice in the vocabulary", nil, nil)
    case .duplicateID(let id, let first, let second):
      ("Tokens `\(first)` and `\(second)` have the same id \(id)", nil, nil)
    case .idOutOfRange(let id, let limit): ("Token id \(id) is out of range", "ids go from 0 to \(limit)", nil)
    case .invalidMerge(let text):
      ("Invalid merge `\(text)`", "a merge is two tokens: `\"a b\"` or `[\"a\", \"b\"]`", nil)
    case .invalidPattern(let pattern, let reason): ("Invalid pattern `\(pattern)`", reason, nil)
    case .noTokenizer(let expected):
      ("No tokenizer here", "looked for [\(expected.joined(separator: ", "))]", nil)
    }
  }
}
