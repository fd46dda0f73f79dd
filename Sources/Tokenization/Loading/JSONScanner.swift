/// Steps over JSON text quickly without building values: for the two large members of a tokenizer's file, and to find
/// the rows of a dataset.
///
/// It only has to be right about valid JSON: whoever uses it reads the text again with `JSONReader` when it stops, which
/// then says what is wrong and where.
package struct JSONScanner {
  package struct Stopped: Error {}

  let bytes: UnsafeRawBufferPointer
  package var index: Int
  let end: Int

  package init(_ bytes: UnsafeRawBufferPointer, _ range: Range<Int>) {
    self.bytes = bytes
    index = range.lowerBound
    end = range.upperBound
  }

  package mutating func skipSpace() {
    while index < end, bytes[index] == 0x20 || bytes[index] == 0x0A || bytes[index] == 0x0D || bytes[index] == 0x09 {
      index += 1
    }
  }

  mutating func expect(_ byte: UInt8) throws(Stopped) {
    skipSpace()
    guard index < end, bytes[index] == byte else { throw Stopped() }
    index += 1
  }

  /// Steps over `byte` when it is what comes next, white space aside.
  package mutating func take(_ byte: UInt8) -> Bool {
    skipSpace()
    guard index < end, bytes[index] == byte else { return false }
    index += 1
    return true
  }

  /// Reads a string's content: where it stands in the text, or in `buffer` when it has escapes.
  ///
  /// What is given holds until `buffer` is used again.
  mutating func string(_ buffer: UnescapedText) throws(Stopped) -> UnsafeBufferPointer<UInt8> {
    try expect(UInt8(ascii: "\""))
    let start = index
    skipPlainBytes()
    guard index < end else { throw Stopped() }
    if bytes[index] == UInt8(ascii: "\"") {
      defer { index += 1 }
      return UnsafeRawBufferPointer(rebasing: bytes[start..<index]).bindMemory(to: UInt8.self)
    }
    buffer.removeAll()
    buffer.append(bytes[start..<index])
    while index < end {
      let byte = bytes[index]
      if byte == UInt8(ascii: "\"") {
        index += 1
        return buffer.bytes
      }
      if byte < 0x20 { throw Stopped() }
      if byte == UInt8(ascii: "\\") {
        try escape(into: buffer)
      } else {
        let run = index
        skipPlainBytes()
        buffer.append(bytes[run..<index])
      }
    }
    throw Stopped()
  }

  /// Moves to the next quote, backslash or control character.
  private mutating func skipPlainBytes() {
    while index < end, bytes[index] != UInt8(ascii: "\""), bytes[index] != UInt8(ascii: "\\"), bytes[index] >= 0x20 {
      index += 1
    }
  }

  private mutating func escape(into out: UnescapedText) throws(Stopped) {
    guard index + 1 < end else { throw Stopped() }
    let kind = bytes[index + 1]
    index += 2
    switch kind {
    case UInt8(ascii: "\""), UInt8(ascii: "\\"), UInt8(ascii: "/"): out.append(kind)
    case UInt8(ascii: "b"): out.append(8)
    case UInt8(ascii: "f"): out.append(12)
    case UInt8(ascii: "n"): out.append(10)
    case UInt8(ascii: "r"): out.append(13)
    case UInt8(ascii: "t"): out.append(9)
    case UInt8(ascii: "u"):
      var code = try hexadecimal()
      if (0xD800..<0xDC00).contains(code) {
        guard index + 1 < end, bytes[index] == UInt8(ascii: "\\"), bytes[index + 1] == UInt8(ascii: "u") else {
          throw Stopped()
        }
        index += 2
        let low = try hexadecimal()
        guard (0xDC00..<0xE000).contains(low) else { throw Stopped() }
        code = 0x10000 + (code - 0xD800) << 10 + (low - 0xDC00)
      }
      guard let scalar = Unicode.Scalar(code), let encoded = UTF8.encode(scalar) else { throw Stopped() }
      for unit in encoded { out.append(unit) }
    default: throw Stopped()
    }
  }

  private mutating func hexadecimal() throws(Stopped) -> UInt32 {
    guard index + 4 <= end else { throw Stopped() }
    var code: UInt32 = 0
    for _ in 0..<4 {
      let byte = bytes[index]
      index += 1
      switch byte {
      case 0x30...0x39: code = code << 4 | UInt32(byte - 0x30)
      case 0x41...0x46: code = code << 4 | UInt32(byte - 0x37)
      case 0x61...0x66: code = code << 4 | UInt32(byte - 0x57)
      default: throw Stopped()
      }
    }
    return code
  }

  /// Steps over a value and gives where it stands; brackets are counted, not matched.
  package mutating func skipValue() throws(Stopped) -> Range<Int> {
    skipSpace()
    let start = index
    var depth = 0
    repeat {
      guard index < end else { throw Stopped() }
      switch bytes[index] {
      case UInt8(ascii: "\""):
        index += 1
        skipPlainBytes()
        while index < end, bytes[index] == UInt8(ascii: "\\") {
          index += 2
          skipPlainBytes()
        }
        // A raw line break is in no string.
        guard index < end, bytes[index] == UInt8(ascii: "\"") else { throw Stopped() }
        index += 1
      case UInt8(ascii: "{"), UInt8(ascii: "["):
        depth += 1
        index += 1
      case UInt8(ascii: "}"), UInt8(ascii: "]"):
        depth -= 1
        index += 1
      case UInt8(ascii: ","), UInt8(ascii: ":"), 0x20, 0x0A, 0x0D, 0x09:
        guard depth > 0 else { throw Stopped() }
        index += 1
      default:
        while index < end, !Self.endsWord(bytes[index]) { index += 1 }
      }
    } while depth > 0
    guard index > start, depth == 0 else { throw Stopped() }
    return start..<index
  }

  private static func endsWord(_ byte: UInt8) -> Bool {
    switch byte {
    case UInt8(ascii: ","), UInt8(ascii: "}"), UInt8(ascii: "]"), UInt8(ascii: ":"), UInt8(ascii: "\""), 0x20, 0x0A,
      0x0D,
      0x09, UInt8(ascii: "{"), UInt8(ascii: "["):
      true
    default: false
    }
  }

  /// Gives where the values of an object's members stand, by key.
  ///
  /// - Parameter visit: Called with each key where its value starts. It may read the value, and then gives true; the
  ///   member is not among those that are given.
  package mutating func members(
    _ visit: (_ key: String, _ scanner: inout JSONScanner) throws -> Bool
  ) throws -> [(key: String, value: Range<Int>)] {
    var found: [(key: String, value: Range<Int>)] = []
    let buffer = UnescapedText()
    try expect(UInt8(ascii: "{"))
    if take(UInt8(ascii: "}")) { return [] }
    while true {
      let key = String(decoding: try string(buffer), as: UTF8.self)
      try expect(UInt8(ascii: ":"))
      skipSpace()
      if try !visit(key, &self) { found.append((key, try skipValue())) }
      if take(UInt8(ascii: "}")) { return found }
      try expect(UInt8(ascii: ","))
    }
  }
}
