import Crypto
import Diagnostics
import Foundation
import PreciseJSON

/// Who signed a result, by name and ed25519 key: `NAME:BASE64`, as `anneal cache keygen` prints it.
package struct TrustedKey: Sendable, Hashable {
  package let name: String
  let key: [UInt8]

  /// Nil for what is no such text.
  package init?(_ text: String) {
    let parts = text.split(separator: ":", omittingEmptySubsequences: false).map(String.init)
    guard parts.count == 2, isKeyName(parts[0]), let data = Data(base64Encoded: parts[1]),
      (try? Curve25519.Signing.PublicKey(rawRepresentation: data)) != nil
    else { return nil }
    name = parts[0]
    key = Array(data)
  }

  init(name: String, key: [UInt8]) {
    self.name = name
    self.key = key
  }

  package var text: String { "\(name):\(Data(key).base64EncodedString())" }

  func confirms(_ signature: [UInt8], of message: [UInt8]) -> Bool {
    (try? Curve25519.Signing.PublicKey(rawRepresentation: key))?.isValidSignature(signature, for: message) ?? false
  }
}

/// Whether a text can name a key: letters, digits, `-`, `_`, `.` and `@`, at most 100 of them.
package func isKeyName(_ text: String) -> Bool {
  (1...100).contains(text.utf8.count)
    && text.utf8.allSatisfy { byte in
      switch byte {
      case 0x30...0x39, 0x41...0x5A, 0x61...0x7A: true
      default: "-_.@".utf8.contains(byte)
      }
    }
}

/// A key that signs results: the secret half of a ``TrustedKey``.
package struct SigningKey: Sendable {
  private static let head = "anneal-signing-key-v1"

  package let name: String
  private let secret: [UInt8]

  /// A new key.
  package init(name: String) {
    self.name = name
    secret = Array(Curve25519.Signing.PrivateKey().rawRepresentation)
  }

  /// Reads a key's file; nil for anything else.
  package init?(file text: String) {
    let words = text.split(whereSeparator: \.isWhitespace).map(String.init)
    guard words.count == 3, words[0] == Self.head, isKeyName(words[1]), let data = Data(base64Encoded: words[2]),
      (try? Curve25519.Signing.PrivateKey(rawRepresentation: data)) != nil
    else { return nil }
    name = words[1]
    secret = Array(data)
  }

  /// The text of a key's file.
  package var file: String { "\(Self.head) \(name) \(Data(secret).base64EncodedString())\n" }

  private var key: Curve25519.Signing.PrivateKey {
    get throws { try Curve25519.Signing.PrivateKey(rawRepresentation: secret) }
  }

  /// What others trust.
  package var trusted: TrustedKey {
    get throws { TrustedKey(name: name, key: Array(try key.publicKey.rawRepresentation)) }
  }

  func signature(of message: [UInt8]) throws -> [UInt8] { Array(try key.signature(for: message)) }
}

extension TrustedKey: FieldValue {
  package static var kind: FieldKind {
    .formed(words: "a public key, `NAME:…`", pattern: "^[A-Za-z0-9._@-]{1,100}:[A-Za-z0-9+/]{43}=$")
  }

  package static func read(_ value: LocatedValue, as kind: FieldKind, _ decoder: inout FieldDecoder) -> TrustedKey? {
    guard let scalar = decoder.scalar(value, wanted: "a public key") else { return nil }
    if let key = TrustedKey(scalar.text) { return key }
    decoder.report(.notAKey(scalar.text), value)
    return nil
  }

  package var canonical: CanonicalValue { .text(text) }
  package var json: JSON { JSON(text) }
  package static func read(json: JSON) throws -> TrustedKey {
    try FieldTransportError.require(json.string.flatMap { TrustedKey($0) }, "a public key", json)
  }
}

extension SigningKey {
  /// Reads a file of `anneal cache keygen`.
  ///
  /// - Parameter place: Where it is named.
  /// - Throws: `Diagnostic` for a file that is not there or holds no key.
  static func read(_ path: String, at place: Place?, _ files: FileSystem) throws -> SigningKey {
    func problem(_ code: String, _ summary: String) -> Diagnostic {
      Diagnostic(code: code, summary, at: place, advice: "`anneal cache keygen NAME` makes one")
    }
    guard let bytes = try files.read(path, limit: 1 << 12) else {
      throw problem("no-key", "There is no file `\(path)` with a key to sign with")
    }
    guard let key = SigningKey(file: String(decoding: bytes, as: UTF8.self)) else {
      throw problem("bad-key", "The file `\(path)` holds no key to sign with")
    }
    return key
  }
}

extension UserConfiguration {
  /// The key that signs what the user puts anywhere; nil where nothing is signed.
  package func signing(_ files: FileSystem = FileSystem()) throws -> SigningKey? {
    try signingKey.map { try SigningKey.read($0.text, at: nil, files) }
  }
}
