/// CRC-32 as in zlib, PNG and gzip (polynomial 0x04C11DB7 reflected), eight bytes at a time (Kounavis and Berry 2005).
struct Checksum {
  private var state: UInt32 = .max

  var value: UInt32 { ~state }

  mutating func add(_ bytes: UnsafeRawBufferPointer) {
    var crc = state
    var index = 0
    Self.tables.withUnsafeBufferPointer { tables in
      while bytes.count - index >= 8 {
        let word = UInt64(littleEndian: bytes.loadUnaligned(fromByteOffset: index, as: UInt64.self)) ^ UInt64(crc)
        crc = 0
        for byte in 0..<8 {
          crc ^= tables[(7 - byte) * 256 + Int(truncatingIfNeeded: (word >> UInt64(8 * byte)) & 0xFF)]
        }
        index += 8
      }
      while index < bytes.count {
        crc = tables[Int((crc ^ UInt32(bytes[index])) & 0xFF)] ^ (crc >> 8)
        index += 1
      }
    }
    state = crc
  }

  mutating func add(_ text: String) {
    // A length before the bytes keeps neighbours apart.
    withUnsafeBytes(of: UInt64(text.utf8.count).littleEndian) { add($0) }
    Array(text.utf8).withUnsafeBytes { add($0) }
  }

  /// Table k holds the checksum of a byte followed by k zero bytes.
  private static let tables: [UInt32] = {
    var tables = [UInt32](repeating: 0, count: 8 * 256)
    for byte in 0..<256 {
      var crc = UInt32(byte)
      for _ in 0..<8 { crc = crc & 1 == 1 ? 0xEDB8_8320 ^ (crc >> 1) : crc >> 1 }
      tables[byte] = crc
    }
    for table in 1..<8 {
      for byte in 0..<256 {
        let before = tables[(table - 1) * 256 + byte]
        tables[table * 256 + byte] = tables[Int(before & 0xFF)] ^ (before >> 8)
      }
    }
    return tables
  }()
}
