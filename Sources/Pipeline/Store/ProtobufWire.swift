/// The protobuf wire format as far as it is written here: varints, length-delimited fields, and numbers of fixed size.
///
/// Specification: https://protobuf.dev/programming-guides/encoding/
package struct ProtobufWriter {
  package private(set) var bytes: [UInt8] = []

  package init() {}

  mutating func varint(_ value: UInt64) {
    var rest = value
    while rest >= 0x80 {
      bytes.append(UInt8(truncatingIfNeeded: rest) | 0x80)
      rest >>= 7
    }
    bytes.append(UInt8(rest))
  }

  package mutating func integer(_ field: Int, _ value: Int) {
    guard value != 0 else { return }
    varint(UInt64(field) << 3)
    varint(UInt64(bitPattern: Int64(value)))
  }

  package mutating func data(_ field: Int, _ value: some Collection<UInt8>) {
    varint(UInt64(field) << 3 | 2)
    varint(UInt64(value.count))
    bytes.append(contentsOf: value)
  }

  package mutating func double(_ field: Int, _ value: Double) { fixed(field, 1, value.bitPattern) }
  package mutating func float(_ field: Int, _ value: Float) { fixed(field, 5, value.bitPattern) }

  private mutating func fixed(_ field: Int, _ type: UInt64, _ bits: some FixedWidthInteger) {
    varint(UInt64(field) << 3 | type)
    withUnsafeBytes(of: bits.littleEndian) { bytes.append(contentsOf: $0) }
  }

  package mutating func message(_ field: Int, _ build: (inout ProtobufWriter) -> Void) {
    var inner = ProtobufWriter()
    build(&inner)
    data(field, inner.bytes)
  }
}

/// Reads the fields of one protobuf message; unknown fields are the caller's to skip.
struct ProtobufReader {
  enum Value {
    case integer(UInt64)
    case data(ArraySlice<UInt8>)
    case fixed
  }

  /// The bytes are no protobuf message.
  struct Malformed: Error {}

  private var rest: ArraySlice<UInt8>

  init(_ bytes: ArraySlice<UInt8>) { rest = bytes }

  /// The next field, nil at the end of the message.
  mutating func next() throws -> (field: Int, value: Value)? {
    if rest.isEmpty { return nil }
    let tag = try varint()
    guard let field = Int(exactly: tag >> 3), field > 0 else { throw Malformed() }
    switch tag & 7 {
    case 0: return (field, .integer(try varint()))
    case 1:
      _ = try take(8)
      return (field, .fixed)
    case 2:
      guard let length = Int(exactly: try varint()) else { throw Malformed() }
      return (field, .data(try take(length)))
    case 5:
      _ = try take(4)
      return (field, .fixed)
    default: throw Malformed()
    }
  }

  private mutating func take(_ count: Int) throws -> ArraySlice<UInt8> {
    guard count <= rest.count else { throw Malformed() }
    defer { rest = rest.dropFirst(count) }
    return rest.prefix(count)
  }

  private mutating func varint() throws -> UInt64 {
    var value: UInt64 = 0
    for shift in stride(from: 0, to: 64, by: 7) {
      guard let byte = rest.popFirst() else { throw Malformed() }
      if shift == 63, byte > 1 { throw Malformed() }
      value |= UInt64(byte & 0x7F) << UInt64(shift)
      if byte < 0x80 { return value }
    }
    throw Malformed()
  }
}
