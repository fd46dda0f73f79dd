/// A run of bytes as two words, which with its length tell runs of up to 16 bytes apart.
///
/// Longer runs have their tail in it and everything before folded into `first`.
struct ByteWords {
  var first: UInt64
  var second: UInt64

  /// Cost: two loads for up to 16 bytes, then one a word.
  @inline(__always)
  init(_ bytes: UnsafePointer<UInt8>, _ count: Int) {
    let raw = UnsafeRawPointer(bytes)
    if count >= 8 {
      // The two words overlap where the count is below 16.
      first = raw.loadUnaligned(as: UInt64.self)
      second = raw.loadUnaligned(fromByteOffset: count - 8, as: UInt64.self)
      var index = 8
      while index + 8 < count {
        first = fold(first ^ raw.loadUnaligned(fromByteOffset: index, as: UInt64.self), 0xA076_1D64_78BD_642F)
        index += 8
      }
    } else if count >= 4 {
      first = UInt64(raw.loadUnaligned(as: UInt32.self))
      second = UInt64(raw.loadUnaligned(fromByteOffset: count - 4, as: UInt32.self))
    } else if count > 0 {
      first = UInt64(bytes[0]) << 16 | UInt64(bytes[count >> 1]) << 8 | UInt64(bytes[count - 1])
      second = 0
    } else {
      first = 0
      second = 0
    }
  }

  /// A fast hash for the tables here; not for anything hostile.
  ///
  /// The words go through 128-bit products whose halves are folded (wyhash, Wang Yi 2019, simplified).
  @inline(__always)
  func hash(count: Int) -> UInt64 {
    fold(
      fold(first ^ 0xE703_7ED1_A0B4_28DB, second ^ 0xA076_1D64_78BD_642F) ^ UInt64(truncatingIfNeeded: count),
      0x8EBC_6AF0_9C88_C6E3)
  }
}

/// The hash of bytes by ``ByteWords``.
@inline(__always)
func hashBytes(_ bytes: UnsafePointer<UInt8>, _ count: Int) -> UInt64 {
  ByteWords(bytes, count).hash(count: count)
}

/// The two halves of a 128-bit product, folded into one.
@inline(__always)
func fold(_ a: UInt64, _ b: UInt64) -> UInt64 {
  let product = a.multipliedFullWidth(by: b)
  return product.high ^ product.low
}
