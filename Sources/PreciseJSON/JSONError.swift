import Diagnostics

/// What is wrong with a JSON text, and where: a byte offset, a line and a column (both from 1).
package struct JSONError: Error, Sendable, Hashable {
  package enum Problem: Sendable, Hashable {
    case unexpectedEnd
    /// The byte found and what the grammar wants there.
    case unexpectedByte(UInt8, expected: String)
    case invalidNumber
    case invalidEscape
    case loneSurrogate
    case invalidUTF8
    case controlCharacter(UInt8)
    case duplicateKey(String)
    case tooDeep(limit: Int)
    case trailingText
  }

  package var problem: Problem
  package var file: String
  package var byteOffset: Int
  package var line: Int
  package var column: Int
}

extension JSONError: DiagnosticError {
  package var diagnostics: [Diagnostic] {
    [
      Diagnostic(
        code: "invalid-json", "Invalid JSON: \(words)",
        at: Place(file: file, line: line, column: column, byteOffset: byteOffset))
    ]
  }

  private var words: String {
    switch problem {
    case .unexpectedEnd: "the text ends too early"
    case .unexpectedByte(let byte, let expected):
      "found `\(byte < 0x80 ? String(UnicodeScalar(byte)) : "byte \(byte)")` where \(expected) was expected"
    case .invalidNumber: "this is not a number"
    case .invalidEscape: "unknown escape in a string"
    case .loneSurrogate: "half of a surrogate pair stands alone in a string"
    case .invalidUTF8: "the bytes are not UTF-8"
    case .controlCharacter(let byte): "control character \(byte) must be escaped in a string"
    case .duplicateKey(let key): "the key `\(key)` stands twice in one object"
    case .tooDeep(let limit): "nested deeper than \(limit) levels"
    case .trailingText: "text follows after the value"
    }
  }
}
