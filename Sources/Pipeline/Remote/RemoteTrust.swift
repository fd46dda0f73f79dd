import PreciseJSON

/// Whose results of a cache are believed, and who signs those that are put there.
package struct RemoteTrust: Sendable {
  /// Empty where everybody's are.
  package var keys: [TrustedKey]
  package var signing: SigningKey?

  package init(keys: [TrustedKey] = [], signing: SigningKey? = nil) {
    self.keys = keys
    self.signing = signing
  }

  /// Why a result is not believed.
  enum Doubt: Error, Sendable, Hashable {
    case unsigned
    /// By none of those who are trusted.
    case stranger
    /// It has the key of somebody trusted, who has not signed this.
    case forged(String)

    var words: String {
      switch self {
      case .unsigned: "it is not signed"
      case .stranger: "nobody who is trusted has signed it"
      case .forged(let name): "it says that `\(name)` signed it, who did not"
      }
    }
  }

  /// - Throws: ``Doubt``.
  func check(_ entry: ActionResult, _ bytes: [UInt8], for key: Digest) throws(Doubt) {
    guard !keys.isEmpty else { return }
    let signatures = ActionResult.signatures(in: bytes)
    guard !signatures.isEmpty else { throw .unsigned }
    let message = entry.message(for: key)
    var forged: String?
    for signature in signatures {
      guard let trusted = keys.first(where: { $0.key == signature.key }) else { continue }
      if trusted.confirms(signature.bytes, of: message) { return }
      forged = trusted.name
    }
    throw forged.map { .forged($0) } ?? .stranger
  }

  /// The bytes of an entry to put under its key.
  func encoded(_ entry: ActionResult, for key: Digest) throws -> [UInt8] {
    guard let signing else { return entry.encoded(for: key) }
    let signature = ActionResult.Signature(
      key: try signing.trusted.key, bytes: try signing.signature(of: entry.message(for: key)))
    return entry.encoded(for: key, signature: signature)
  }
}
