import Diagnostics

/// A cursor over a GGUF header that never reads past the end.
struct GGUFReader {
  /// A string or list longer than this is a damaged file, not a model.
  static let lengthLimit: UInt64 = 1 << 31
  /// Lists inside lists inside lists stand in no real file.
  static let depthLimit = 4

  let bytes: UnsafeRawBufferPointer
  let file: String
  private(set) var offset = 0

  init(_ bytes: UnsafeRawBufferPointer, file: String) {
    self.bytes = bytes
    self.file = file
  }

  mutating func integer<T: FixedWidthInteger>(_ type: T.Type, _ what: String) throws -> T {
    let size = MemoryLayout<T>.size
    try need(size, what)
    defer { offset += size }
    return T(littleEndian: bytes.loadUnaligned(fromByteOffset: offset, as: T.self))
  }

  mutating func string(_ what: String) throws -> String {
    let start = offset
    let length = try integer(UInt64.self, what)
    guard length <= Self.lengthLimit else {
      throw TensorFileError(
        .tooLarge(what: "the length of \(what)", value: length, limit: Self.lengthLimit), file: file,
        byteOffset: start)
    }
    try need(Int(length), what)
    defer { offset += Int(length) }
    let slice = bytes[offset..<offset + Int(length)]
    // Vocabularies hold pieces of characters: what is not UTF-8 is kept readable rather than refused.
    return String(decoding: slice, as: UTF8.self)
  }

  /// Reads a value of the format's type number.
  mutating func value(type: UInt32, key: String, depth: Int = 0) throws -> GGUFValue {
    switch type {
    case 0: return .unsigned(UInt64(try integer(UInt8.self, key)))
    case 1: return .signed(Int64(try integer(Int8.self, key)))
    case 2: return .unsigned(UInt64(try integer(UInt16.self, key)))
    case 3: return .signed(Int64(try integer(Int16.self, key)))
    case 4: return .unsigned(UInt64(try integer(UInt32.self, key)))
    case 5: return .signed(Int64(try integer(Int32.self, key)))
    case 6: return .float(Double(Float(bitPattern: try integer(UInt32.self, key))))
    case 7: return .bool(try integer(UInt8.self, key) != 0)
    case 8: return .string(try string(key))
    case 9:
      let elementType = try integer(UInt32.self, key)
      let count = try integer(UInt64.self, key)
      // Every element takes at least a byte.
      guard count <= UInt64(bytes.count - offset), depth < Self.depthLimit else {
        throw TensorFileError(
          .tooLarge(what: "the length of the list `\(key)`", value: count, limit: UInt64(bytes.count - offset)),
          file: file, byteOffset: offset)
      }
      var elements: [GGUFValue] = []
      // No more in advance than a real vocabulary: the count may be a lie.
      elements.reserveCapacity(min(Int(count), 1 << 20))
      for _ in 0..<count { elements.append(try value(type: elementType, key: key, depth: depth + 1)) }
      return .array(elements)
    case 10: return .unsigned(try integer(UInt64.self, key))
    case 11: return .signed(try integer(Int64.self, key))
    case 12: return .float(Double(bitPattern: try integer(UInt64.self, key)))
    default:
      throw TensorFileError(
        .invalidHeader("metadata key `\(key)` has the unknown value type \(type)"), file: file, byteOffset: offset)
    }
  }

  private func need(_ count: Int, _ what: String) throws {
    guard count <= bytes.count - offset else {
      throw TensorFileError(
        .truncated(needed: offset + count, found: bytes.count, what: what), file: file, byteOffset: offset)
    }
  }
}
