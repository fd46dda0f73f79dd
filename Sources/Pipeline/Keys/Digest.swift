import Crypto

/// A SHA-256 digest: the identity of a blob, an artefact or a key.
package struct Digest: Sendable, Hashable {
  /// The 256 bits, the first byte highest.
  private let words: SIMD4<UInt64>

  /// - Parameter hex: Exactly 64 lower-case hexadecimal digits, else nil.
  package init?(hex: String) { self.init(hex: hex.utf8) }

  /// - Parameter hex: Exactly 64 lower-case hexadecimal digits as ASCII, else nil.
  init?(hex: some Collection<UInt8>) {
    var words = SIMD4<UInt64>()
    var count = 0
    for digit in hex {
      let value: UInt8
      switch digit {
      case 0x30...0x39: value = digit - 0x30
      case 0x61...0x66: value = digit - 0x57
      default: return nil
      }
      guard count < 64 else { return nil }
      words[count / 16] = words[count / 16] << 4 | UInt64(value)
      count += 1
    }
    guard count == 64 else { return nil }
    self.words = words
  }

  package init(_ digest: SHA256Digest) {
    words = digest.withUnsafeBytes { bytes in
      func word(_ index: Int) -> UInt64 {
        UInt64(bigEndian: bytes.loadUnaligned(fromByteOffset: 8 * index, as: UInt64.self))
      }
      return SIMD4(word(0), word(1), word(2), word(3))
    }
  }

  /// 64 lower-case hexadecimal digits.
  package var hex: String {
    String(unsafeUninitializedCapacity: 64) { text in
      for place in 0..<64 {
        let digit = UInt8(truncatingIfNeeded: words[place / 16] >> UInt64(60 - place % 16 * 4)) & 15
        text[place] = digit < 10 ? digit + 0x30 : digit + 0x57
      }
      return 64
    }
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
  /// In the order of the digits.
  package static func < (a: Digest, b: Digest) -> Bool {
    for index in 0..<4 where a.words[index] != b.words[index] { return a.words[index] < b.words[index] }
    return false
  }
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
