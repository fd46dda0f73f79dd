import Diagnostics
import Foundation
import Pipeline

/// Who may do what at a server.
package struct CacheAccess: Sendable {
  enum Right: Int, Sendable, Comparable {
    case none
    case read
    case readWrite

    static func < (a: Right, b: Right) -> Bool { a.rawValue < b.rawValue }
  }

  /// What a request wants, and who asks.
  enum Verdict: Sendable, Hashable {
    case allowed
    /// Whoever asks has to say who that is.
    case unknown
    /// Whoever asks is known, and may not.
    case forbidden
  }

  /// Digests of tokens: comparing those tells nothing by the time it takes.
  private var readers: Set<Digest> = []
  private var writers: Set<Digest> = []
  /// Whether those without a token may take, and where there are no tokens, put.
  package var isOpen = false

  package init() {}

  package var hasTokens: Bool { !readers.isEmpty || !writers.isEmpty }

  package mutating func addReader(_ token: String) { readers.insert(Digest(of: Array(token.utf8))) }
  package mutating func addWriter(_ token: String) { writers.insert(Digest(of: Array(token.utf8))) }

  /// Takes tokens from a text, one a line: `read TOKEN` or `read_write TOKEN`, and remarks behind `#`.
  ///
  /// - Throws: `Diagnostic` with the line, without what stands there.
  package mutating func add(file: String, _ text: String) throws {
    for (number, line) in text.split(separator: "\n", omittingEmptySubsequences: false).enumerated() {
      let words = line.split(whereSeparator: \.isWhitespace).map(String.init)
      guard let first = words.first, !first.hasPrefix("#") else { continue }
      switch (first, words.count) {
      case ("read", 2): addReader(words[1])
      case ("read_write", 2): addWriter(words[1])
      default:
        throw Diagnostic(
          code: "bad-token", "A line of tokens is wrong", at: Place(file: file, line: number + 1),
          reason: "`read TOKEN` or `read_write TOKEN` is wanted")
      }
    }
  }

  /// - Parameter authorization: The header's value.
  func verdict(_ authorization: String?, wants right: Right) -> Verdict {
    let nobody: Right = hasTokens ? (isOpen ? .read : .none) : .readWrite
    if nobody >= right { return .allowed }
    guard let token = authorization.flatMap(Self.token) else { return .unknown }
    let digest = Digest(of: token)
    if writers.contains(digest) { return .allowed }
    guard readers.contains(digest) else { return .unknown }
    return right == .read ? .allowed : .forbidden
  }

  /// The token in `Bearer TOKEN`, or the password in `Basic …`, whoever the user says to be.
  private static func token(_ header: String) -> [UInt8]? {
    let parts = header.split(separator: " ", maxSplits: 1).map(String.init)
    guard parts.count == 2 else { return nil }
    switch parts[0].lowercased() {
    case "bearer": return Array(parts[1].utf8)
    case "basic":
      let text = Data(base64Encoded: parts[1]).map(Array.init) ?? []
      return text.firstIndex(of: UInt8(ascii: ":")).map { Array(text[($0 + 1)...]) }
    default: return nil
    }
  }
}
