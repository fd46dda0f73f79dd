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
    case .absent: Self.append(.absent, [], to: &bytes)
    case .bool(let value): Self.append(.bool, [value ? 1 : 0], to: &bytes)
    case .integer(let value): Self.append(.integer, Self.littleEndian(UInt64(bitPattern: Int64(value))), to: &bytes)
    case .number(let value):
      precondition(!value.isNaN, "NaN has no place in a key")
      // Negative zero is zero: both are written `0`.
      Self.append(.number, Self.littleEndian((value == 0 ? 0 : value).bitPattern), to: &bytes)
    case .text(let text): Self.append(.text, Array(text.utf8), to: &bytes)
    case .digest(let digest): Self.append(.digest, Array(digest.hex.utf8), to: &bytes)
    case .list(let values):
      var payload: [UInt8] = []
      for value in values { value.encode(into: &payload) }
      Self.append(.list, payload, to: &bytes)
    case .map(let members):
      var payload: [UInt8] = []
      for (key, value) in members.sorted(by: { $0.key.utf8.lexicographicallyPrecedes($1.key.utf8) }) {
        Self.append(.text, Array(key.utf8), to: &payload)
        value.encode(into: &payload)
      }
      Self.append(.map, payload, to: &bytes)
    }
  }

  private static func append(_ tag: Tag, _ payload: [UInt8], to bytes: inout [UInt8]) {
    bytes.append(tag.rawValue)
    bytes += littleEndian(UInt64(payload.count))
    bytes += payload
  }

  private static func littleEndian(_ value: UInt64) -> [UInt8] {
    (0..<8).map { UInt8(truncatingIfNeeded: value >> (8 * UInt64($0))) }
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
