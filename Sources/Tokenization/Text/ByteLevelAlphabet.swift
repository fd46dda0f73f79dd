/// GPT-2's alphabet: every byte as a printable scalar, so that a vocabulary of byte strings can be written as text.
///
/// Printable Latin-1 bytes stand for themselves; the other 68 become U+0100…U+0143 in rising order
/// (Radford et al. 2019, `encoder.py`).
enum ByteLevelAlphabet {
  /// The scalar of each byte.
  static let scalars: [UInt16] = {
    var table = [UInt16](repeating: 0, count: 256)
    var next: UInt16 = 0x100
    for byte in 0..<256 {
      if (0x21...0x7E).contains(byte) || (0xA1...0xAC).contains(byte) || (0xAE...0xFF).contains(byte) {
        table[byte] = UInt16(byte)
      } else {
        table[byte] = next
        next += 1
      }
    }
    return table
  }()

  /// The byte of each scalar below U+0144, -1 where there is none.
  static let bytes: [Int16] = {
    var table = [Int16](repeating: -1, count: 0x144)
    for (byte, scalar) in scalars.enumerated() { table[Int(scalar)] = Int16(byte) }
    return table
  }()

  /// Appends the UTF-8 of the scalar that stands for `byte`.
  @inline(__always)
  static func append(_ byte: UInt8, to text: inout [UInt8]) {
    let scalar = scalars[Int(byte)]
    if scalar < 0x80 {
      text.append(UInt8(scalar))
    } else {
      text.append(UInt8(0xC0 | scalar >> 6))
      text.append(UInt8(0x80 | scalar & 0x3F))
    }
  }

  /// The text that stands for `bytes`.
  static func text(of bytes: some Sequence<UInt8>) -> [UInt8] {
    var text: [UInt8] = []
    for byte in bytes { append(byte, to: &text) }
    return text
  }

  /// Appends the bytes that `text` (UTF-8) stands for and returns true; appends nothing and returns false when a scalar
  /// of it is not in the alphabet.
  static func appendBytes(of text: UnsafeBufferPointer<UInt8>, to result: inout [UInt8]) -> Bool {
    let start = result.count
    var index = 0
    while index < text.count {
      let first = text[index]
      var scalar = Int(first)
      if first >= 0x80 {
        guard first & 0xE0 == 0xC0, index + 1 < text.count else {
          result.removeSubrange(start...)
          return false
        }
        index += 1
        scalar = Int(first & 0x1F) << 6 | Int(text[index] & 0x3F)
      }
      guard scalar < bytes.count, bytes[scalar] >= 0 else {
        result.removeSubrange(start...)
        return false
      }
      result.append(UInt8(bytes[scalar]))
      index += 1
    }
    return true
  }
}
