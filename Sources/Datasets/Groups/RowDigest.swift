import Crypto

/// The SHA-256 of a row's bytes: what a row is, wherever in whichever file it stands.
package struct RowDigest: Sendable, Hashable {
  private let bytes: [UInt8]

  package init(_ row: RowStretches.Stretch, in bytes: UnsafeRawBufferPointer) {
    var hash = SHA256()
    hash.update(bufferPointer: UnsafeRawBufferPointer(rebasing: bytes[row.range]))
    self.bytes = Array(hash.finalize())
  }

  /// The SHA-256 over the digests of several rows, in hexadecimal digits.
  package static func joined(_ rows: some Sequence<RowDigest>) -> String {
    var hash = SHA256()
    for row in rows { hash.update(data: row.bytes) }
    return hash.finalize().map { byte in
      let digits = String(byte, radix: 16)
      return digits.count == 1 ? "0" + digits : digits
    }.joined()
  }
}
