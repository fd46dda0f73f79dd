import Diagnostics

/// What is wrong with a token shard.
package struct TokenShardError: Error, Sendable, Hashable {
  package enum Problem: Sendable, Hashable {
    case notAShard
    case truncated
    /// A block or the index does not match its checksum or its counts.
    case damaged(String)
    case unsupportedVersion(Int)
    case noSuchRow(Int, count: Int)
    case compression(String)
    case system(code: String)
  }

  package var problem: Problem
  package var file: String
  package var byteOffset: Int?

  package init(_ problem: Problem, file: String, byteOffset: Int? = nil) {
    self.problem = problem
    self.file = file
    self.byteOffset = byteOffset
  }
}

extension TokenShardError: DiagnosticError {
  package var diagnostics: [Diagnostic] {
    let (summary, reason): (String, String?) =
      switch problem {
      case .notAShard: ("This is not a token shard", "it does not start with `ANTOKENS`")
      case .truncated: ("The token shard is cut short", nil)
      case .damaged(let detail): ("The token shard is damaged", detail)
      case .unsupportedVersion(let version): ("Version \(version) of the token shard format is not known", nil)
      case .noSuchRow(let row, let count): ("The token shard has no row \(row)", "it has \(count) rows")
      case .compression(let detail): ("Compressing tokens failed", detail)
      case .system(let code): ("The token shard cannot be read or written", code)
      }
    return [
      Diagnostic(code: "token-shard", summary, at: Place(file: file, byteOffset: byteOffset), reason: reason)
    ]
  }
}
