/// A fast hash of bytes for the tables here; not for anything hostile.
///
/// Eight bytes at a time through a 128-bit product whose halves are folded (wyhash, Wang Yi 2019, simplified).
@inline(__always)
func hashBytes(_ bytes: UnsafePointer<UInt8>, _ count: Int) -> UInt64 {
  var state = UInt64(truncatingIfNeeded: count) &* 0x9E37_79B9_7F4A_7C15
  var index = 0
  while index + 8 <= count {
    let word = UnsafeRawPointer(bytes + index).loadUnaligned(as: UInt64.self)
    state = fold(state ^ word, 0xA076_1D64_78BD_642F)
    index += 8
  }
  if index < count {
    var word: UInt64 = 0
    while index < count {
      word = word << 8 | UInt64(bytes[index])
      index += 1
    }
    state = fold(state ^ word, 0xE703_7ED1_A0B4_28DB)
  }
  return fold(state, 0x8EBC_6AF0_9C88_C6E3)
}

/// The two halves of a 128-bit product, folded into one.
@inline(__always)
func fold(_ a: UInt64, _ b: UInt64) -> UInt64 {
  let product = a.multipliedFullWidth(by: b)
  return product.high ^ product.low
}
