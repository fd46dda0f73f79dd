/// A value in the one form in which it enters keys.
///
/// Encoded as tag byte, payload length (8 bytes, little endian), payload: distinct values have distinct encodings, and
/// no value's encoding is the beginning of another's. Texts are bytes as they are, without normalisation; numbers are
/// IEEE-754 bits after decoding; maps are sorted by the bytes of their keys.
package indirect enum CanonicalValue: Sendable {
  case absent
  case bool(Bool)
  case integer(Int)
  /// Never NaN: readers of fields refuse it, and encoding one is a programming mistake.
  case number(Double)
  case text(String)
  case digest(Digest)
  case list([CanonicalValue])
  case map([String: CanonicalValue])

  /// The bytes that go into a key; cost linear in their count.
  package var encoding: [UInt8] {
    var bytes: [UInt8] = []
    encode(into: &bytes)
    return bytes
  }

  private enum Tag: UInt8 {
    case absent = 0x00
    case bool = 0x01
    case integer = 0x02
    case number = 0x03
    case text = 0x04
    case digest = 0x05
    case list = 0x06
    case map = 0x07
  }

  package func encode(into bytes: inout [UInt8]) {
    switch self {
    case .absent: Self.append(.absent, to: &bytes) { _ in }
    case .bool(let value): Self.append(.bool, to: &bytes) { $0.append(value ? 1 : 0) }
    case .integer(let value):
      Self.append(.integer, to: &bytes) { Self.append(UInt64(bitPattern: Int64(value)), to: &$0) }
    case .number(let value):
      precondition(!value.isNaN, "NaN has no place in a key")
      // Negative zero is zero: both are written `0`.
      Self.append(.number, to: &bytes) { Self.append((value == 0 ? 0 : value).bitPattern, to: &$0) }
    case .text(let text): Self.append(.text, to: &bytes) { $0 += text.utf8 }
    case .digest(let digest): Self.append(.digest, to: &bytes) { $0 += digest.hex.utf8 }
    case .list(let values):
      Self.append(.list, to: &bytes) { bytes in for value in values { value.encode(into: &bytes) } }
    case .map(let members):
      Self.append(.map, to: &bytes) { bytes in
        for (key, value) in members.sorted(by: { $0.key.utf8.lexicographicallyPrecedes($1.key.utf8) }) {
          CanonicalValue.text(key).encode(into: &bytes)
          value.encode(into: &bytes)
        }
      }
    }
  }

  /// Writes the tag, the length of what `payload` writes, and that.
  private static func append(_ tag: Tag, to bytes: inout [UInt8], payload: (inout [UInt8]) -> Void) {
    bytes.append(tag.rawValue)
    let place = bytes.count
    append(0, to: &bytes)
    payload(&bytes)
    let length = UInt64(bytes.count - place - 8)
    for index in 0..<8 { bytes[place + index] = UInt8(truncatingIfNeeded: length >> (8 * UInt64(index))) }
  }

  /// Little endian.
  private static func append(_ value: UInt64, to bytes: inout [UInt8]) {
    for index in 0..<8 { bytes.append(UInt8(truncatingIfNeeded: value >> (8 * UInt64(index)))) }
  }
}

extension CanonicalValue: Hashable {
  /// Equal when the encodings are: texts compare by bytes, not by Unicode's canonical equivalence.
  package static func == (a: CanonicalValue, b: CanonicalValue) -> Bool { a.encoding == b.encoding }
  package func hash(into hasher: inout Hasher) { hasher.combine(encoding) }
}

extension CanonicalValue: ExpressibleByStringLiteral, ExpressibleByIntegerLiteral, ExpressibleByBooleanLiteral {
  package init(stringLiteral value: String) { self = .text(value) }
  package init(integerLiteral value: Int) { self = .integer(value) }
  package init(booleanLiteral value: Bool) { self = .bool(value) }
}
