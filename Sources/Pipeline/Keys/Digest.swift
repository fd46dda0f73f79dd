import Crypto

/// A SHA-256 digest: the identity of a blob, an artefact or a key.
package struct Digest: Sendable, Hashable {
  /// 64 lower-case hexadecimal digits.
  package let hex: String

  /// - Parameter hex: Exactly 64 lower-case hexadecimal digits, else nil.
  package init?(hex: String) {
    let valid = hex.utf8.allSatisfy { (0x30...0x39).contains($0) || (0x61...0x66).contains($0) }
    guard hex.utf8.count == 64, valid else { return nil }
    self.hex = hex
  }

  package init(_ digest: SHA256Digest) {
    hex = digest.map { byte in
      let digits = String(byte, radix: 16)
      return digits.utf8.count == 1 ? "0" + digits : digits
    }.joined()
  }

  /// The digest of bytes in memory.
  package init(of bytes: some Collection<UInt8>) {
    var hash = SHA256()
    let done: Void? = bytes.withContiguousStorageIfAvailable { hash.update(bufferPointer: UnsafeRawBufferPointer($0)) }
    if done == nil { hash.update(data: Array(bytes)) }
    self.init(hash.finalize())
  }

  /// The first 12 digits, for people.
  package var short: String { String(hex.prefix(12)) }
}

extension Digest: Comparable {
  package static func < (a: Digest, b: Digest) -> Bool { a.hex < b.hex }
}

extension Digest: CustomStringConvertible {
  package var description: String { hex }
}

/// A blob by content: its digest and its size in bytes.
package struct BlobReference: Sendable, Hashable {
  package var digest: Digest
  package var size: Int

  package init(digest: Digest, size: Int) {
    self.digest = digest
    self.size = size
  }
}
