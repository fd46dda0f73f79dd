/// Steps over UTF-8 that is known to be valid.
enum UTF8Text {
  /// The scalar that starts at `index`, and the number of its bytes.
  @inline(__always)
  static func scalar(at index: Int, in text: UnsafeBufferPointer<UInt8>) -> (value: UInt32, length: Int) {
    let first = UInt32(text[index])
    if first < 0x80 { return (first, 1) }
    if first < 0xE0 { return ((first & 0x1F) << 6 | UInt32(text[index + 1] & 0x3F), 2) }
    if first < 0xF0 {
      return ((first & 0xF) << 12 | UInt32(text[index + 1] & 0x3F) << 6 | UInt32(text[index + 2] & 0x3F), 3)
    }
    let high = (first & 7) << 18 | UInt32(text[index + 1] & 0x3F) << 12
    return (high | UInt32(text[index + 2] & 0x3F) << 6 | UInt32(text[index + 3] & 0x3F), 4)
  }

  /// The index at which the scalar that ends before `index` starts.
  @inline(__always)
  static func start(before index: Int, in text: UnsafeBufferPointer<UInt8>) -> Int {
    var start = index - 1
    while start > 0, text[start] & 0xC0 == 0x80 { start -= 1 }
    return start
  }

  /// The number of bytes of the longest prefix of `bytes` that does not end inside a scalar which more bytes could
  /// complete.
  static func completePrefix(of bytes: [UInt8]) -> Int {
    let count = bytes.count
    for back in 1..<4 where back <= count {
      let byte = bytes[count - back]
      if byte & 0xC0 == 0x80 { continue }
      let needed = byte >= 0xF0 ? 4 : byte >= 0xE0 ? 3 : byte >= 0xC0 ? 2 : 1
      if needed <= back || byte < 0xC2 || byte > 0xF4 { return count }
      if back >= 2 {
        // The second byte is bounded by the first; outside the bounds nothing can complete the scalar (Unicode, D92b).
        let second = bytes[count - back + 1]
        let low: UInt8 = byte == 0xE0 ? 0xA0 : byte == 0xF0 ? 0x90 : 0x80
        let high: UInt8 = byte == 0xED ? 0x9F : byte == 0xF4 ? 0x8F : 0xBF
        if second < low || second > high { return count }
      }
      return count - back
    }
    return count
  }

  /// The first index from `start` on at which no ASCII stands; the count when there is none.
  ///
  /// Cost: a word at a time.
  @inline(__always)
  static func nonASCII(in text: UnsafeBufferPointer<UInt8>, from start: Int) -> Int {
    let raw = UnsafeRawBufferPointer(text)
    var index = start
    while index + 8 <= text.count {
      let word = UInt64(littleEndian: raw.loadUnaligned(fromByteOffset: index, as: UInt64.self))
      let high = word & 0x8080_8080_8080_8080
      if high != 0 { return index + high.trailingZeroBitCount / 8 }
      index += 8
    }
    while index < text.count, text[index] < 0x80 { index += 1 }
    return index
  }

  /// Whether the bytes are UTF-8.
  static func isValid(_ text: UnsafeBufferPointer<UInt8>) -> Bool {
    var index = nonASCII(in: text, from: 0)
    while index < text.count {
      let first = text[index]
      let length = first >= 0xF0 ? 4 : first >= 0xE0 ? 3 : 2
      guard first >= 0xC2, first <= 0xF4, index + length <= text.count else { return false }
      let second = text[index + 1]
      let low: UInt8 = first == 0xE0 ? 0xA0 : first == 0xF0 ? 0x90 : 0x80
      let high: UInt8 = first == 0xED ? 0x9F : first == 0xF4 ? 0x8F : 0xBF
      guard second >= low, second <= high else { return false }
      if length > 2, text[index + 2] & 0xC0 != 0x80 { return false }
      if length > 3, text[index + 3] & 0xC0 != 0x80 { return false }
      index = nonASCII(in: text, from: index + length)
    }
    return true
  }
}
