/// Reads JSON text (RFC 8259) strictly: UTF-8 only, no trailing commas, no duplicate keys, bounded depth.
///
/// One pass over the bytes, no copies of runs without escapes. Cost: O(bytes); from 50 MB/s for a vocabulary to 250 MB/s
/// for long texts.
package struct JSONReader {
  /// Deeper nesting than this is refused, so that hostile input cannot exhaust the stack.
  package static let depthLimit = 256

  private let bytes: UnsafeBufferPointer<UInt8>
  private let file: String
  /// Where `bytes` starts in the file, for places: one line of a JSONL file is read by itself.
  private let origin: (byteOffset: Int, line: Int)
  /// The column of the first byte.
  private let column: Int
  private var index = 0

  private init(_ bytes: UnsafeRawBufferPointer, file: String, origin: (byteOffset: Int, line: Int), column: Int) {
    self.bytes = bytes.assumingMemoryBound(to: UInt8.self)
    self.file = file
    self.origin = origin
    self.column = column
  }

  /// Reads one value that fills the whole of `bytes` (white space around it is allowed).
  package static func read(
    _ bytes: UnsafeRawBufferPointer, file: String, origin: (byteOffset: Int, line: Int) = (0, 1), column: Int = 1
  ) throws(JSONError) -> JSON {
    var reader = JSONReader(bytes, file: file, origin: origin, column: column)
    let value = try reader.value(depth: 0)
    reader.skipSpace()
    if reader.index < bytes.count { throw reader.error(.trailingText) }
    return value
  }

  private mutating func value(depth: Int) throws(JSONError) -> JSON {
    if depth > Self.depthLimit { throw error(.tooDeep(limit: Self.depthLimit)) }
    skipSpace()
    guard index < bytes.count else { throw error(.unexpectedEnd) }
    switch bytes[index] {
    case UInt8(ascii: "{"): return .object(try object(depth: depth))
    case UInt8(ascii: "["): return .array(try array(depth: depth))
    case UInt8(ascii: "\""): return .string(try string())
    case UInt8(ascii: "t"): return try word("true", .bool(true))
    case UInt8(ascii: "f"): return try word("false", .bool(false))
    case UInt8(ascii: "n"): return try word("null", .null)
    case UInt8(ascii: "-"), UInt8(ascii: "0")...UInt8(ascii: "9"): return .number(try number())
    case let byte: throw error(.unexpectedByte(byte, expected: "a value"))
    }
  }

  private mutating func object(depth: Int) throws(JSONError) -> JSONObject {
    index += 1
    var members: [(key: String, value: JSON)] = []
    var table = KeyTable()
    skipSpace()
    if take(UInt8(ascii: "}")) { return JSONObject() }
    while true {
      skipSpace()
      guard index < bytes.count else { throw error(.unexpectedEnd) }
      guard bytes[index] == UInt8(ascii: "\"") else { throw error(.unexpectedByte(bytes[index], expected: "a key")) }
      let keyStart = index
      let key = try string()
      if table.has(key, in: members) { throw error(.duplicateKey(key), at: keyStart) }
      skipSpace()
      try expect(UInt8(ascii: ":"), "`:`")
      members.append((key, try value(depth: depth + 1)))
      skipSpace()
      if take(UInt8(ascii: "}")) { return JSONObject(members) }
      try expect(UInt8(ascii: ","), "`,` or `}`")
    }
  }

  private mutating func array(depth: Int) throws(JSONError) -> [JSON] {
    index += 1
    var elements: [JSON] = []
    skipSpace()
    if take(UInt8(ascii: "]")) { return elements }
    while true {
      elements.append(try value(depth: depth + 1))
      skipSpace()
      if take(UInt8(ascii: "]")) { return elements }
      try expect(UInt8(ascii: ","), "`,` or `]`")
    }
  }

  private mutating func string() throws(JSONError) -> String {
    index += 1
    let start = index
    skipPlainBytes()
    guard index < bytes.count else { throw error(.unexpectedEnd) }
    if bytes[index] == UInt8(ascii: "\"") {
      defer { index += 1 }
      return try text(of: UnsafeBufferPointer(rebasing: bytes[start..<index]), at: start)
    }
    var collected = Array(bytes[start..<index])
    while index < bytes.count {
      let byte = bytes[index]
      switch byte {
      case UInt8(ascii: "\""):
        index += 1
        return try collected.withUnsafeBufferPointer { slice throws(JSONError) in try text(of: slice, at: start) }
      case UInt8(ascii: "\\"): try escape(into: &collected)
      case ..<0x20: throw error(.controlCharacter(byte))
      default:
        let runStart = index
        skipPlainBytes()
        collected.append(contentsOf: bytes[runStart..<index])
      }
    }
    throw error(.unexpectedEnd)
  }

  /// Moves to the next quote, backslash or control character, eight bytes at a time.
  private mutating func skipPlainBytes() {
    let ones: UInt64 = 0x0101_0101_0101_0101
    let tops: UInt64 = 0x8080_8080_8080_8080
    let raw = UnsafeRawBufferPointer(bytes)
    while index + 8 <= raw.count {
      let word = raw.loadUnaligned(fromByteOffset: index, as: UInt64.self)
      // The top bit of a byte is set where it is below 0x20, or equals a quote or a backslash, and now and then in a
      // byte above one that is: the loop below decides.
      let quote = word ^ (ones &* 0x22)
      let backslash = word ^ (ones &* 0x5C)
      let below = (word &- ones &* 0x20) & ~word
      if (below | (quote &- ones) & ~quote | (backslash &- ones) & ~backslash) & tops != 0 { break }
      index += 8
    }
    while index < bytes.count, bytes[index] != UInt8(ascii: "\""), bytes[index] != UInt8(ascii: "\\"),
      bytes[index] >= 0x20
    { index += 1 }
  }

  private func text(of slice: UnsafeBufferPointer<UInt8>, at start: Int) throws(JSONError) -> String {
    guard let text = String(validating: slice, as: UTF8.self) else { throw error(.invalidUTF8, at: start) }
    return text
  }

  /// Reads the escape that starts at `index` (a backslash).
  private mutating func escape(into collected: inout [UInt8]) throws(JSONError) {
    let start = index
    guard index + 1 < bytes.count else { throw error(.unexpectedEnd) }
    index += 2
    switch bytes[start + 1] {
    case UInt8(ascii: "\""): collected.append(UInt8(ascii: "\""))
    case UInt8(ascii: "\\"): collected.append(UInt8(ascii: "\\"))
    case UInt8(ascii: "/"): collected.append(UInt8(ascii: "/"))
    case UInt8(ascii: "b"): collected.append(0x08)
    case UInt8(ascii: "f"): collected.append(0x0C)
    case UInt8(ascii: "n"): collected.append(0x0A)
    case UInt8(ascii: "r"): collected.append(0x0D)
    case UInt8(ascii: "t"): collected.append(0x09)
    case UInt8(ascii: "u"):
      var code = UInt32(try hexadecimal(at: start))
      if (0xD800..<0xDC00).contains(code) {
        guard index + 1 < bytes.count, bytes[index] == UInt8(ascii: "\\"), bytes[index + 1] == UInt8(ascii: "u") else {
          throw error(.loneSurrogate, at: start)
        }
        index += 2
        let low = UInt32(try hexadecimal(at: start))
        guard (0xDC00..<0xE000).contains(low) else { throw error(.loneSurrogate, at: start) }
        code = 0x10000 + (code - 0xD800) << 10 + (low - 0xDC00)
      }
      guard let scalar = Unicode.Scalar(code) else { throw error(.loneSurrogate, at: start) }
      if let units = UTF8.encode(scalar) { collected.append(contentsOf: units) }
    default: throw error(.invalidEscape, at: start)
    }
  }

  private mutating func hexadecimal(at start: Int) throws(JSONError) -> UInt16 {
    guard index + 4 <= bytes.count else { throw error(.unexpectedEnd) }
    var code: UInt16 = 0
    for _ in 0..<4 {
      let byte = bytes[index]
      switch byte {
      case UInt8(ascii: "0")...UInt8(ascii: "9"): code = code << 4 | UInt16(byte - UInt8(ascii: "0"))
      case UInt8(ascii: "a")...UInt8(ascii: "f"): code = code << 4 | UInt16(byte - UInt8(ascii: "a") + 10)
      case UInt8(ascii: "A")...UInt8(ascii: "F"): code = code << 4 | UInt16(byte - UInt8(ascii: "A") + 10)
      default: throw error(.invalidEscape, at: start)
      }
      index += 1
    }
    return code
  }

  private mutating func number() throws(JSONError) -> JSONNumber {
    let start = index
    _ = take(UInt8(ascii: "-"))
    let whole = digits()
    if whole == 0 || (whole > 1 && bytes[index - whole] == UInt8(ascii: "0")) {
      throw error(.invalidNumber, at: start)
    }
    if take(UInt8(ascii: ".")), digits() == 0 { throw error(.invalidNumber, at: start) }
    if take(UInt8(ascii: "e")) || take(UInt8(ascii: "E")) {
      if !take(UInt8(ascii: "+")) { _ = take(UInt8(ascii: "-")) }
      if digits() == 0 { throw error(.invalidNumber, at: start) }
    }
    return JSONNumber(text: String(decoding: bytes[start..<index], as: UTF8.self))
  }

  private mutating func digits() -> Int {
    let start = index
    while index < bytes.count, (UInt8(ascii: "0")...UInt8(ascii: "9")).contains(bytes[index]) { index += 1 }
    return index - start
  }

  private mutating func word(_ word: StaticString, _ value: JSON) throws(JSONError) -> JSON {
    for offset in 0..<word.utf8CodeUnitCount {
      guard index < bytes.count else { throw error(.unexpectedEnd) }
      guard bytes[index] == word.utf8Start[offset] else {
        throw error(.unexpectedByte(bytes[index], expected: "`\(word)`"))
      }
      index += 1
    }
    return value
  }

  private mutating func skipSpace() {
    while index < bytes.count {
      switch bytes[index] {
      case 0x20, 0x0A, 0x0D, 0x09: index += 1
      default: return
      }
    }
  }

  private mutating func take(_ byte: UInt8) -> Bool {
    guard index < bytes.count, bytes[index] == byte else { return false }
    index += 1
    return true
  }

  private mutating func expect(_ byte: UInt8, _ words: String) throws(JSONError) {
    guard index < bytes.count else { throw error(.unexpectedEnd) }
    guard take(byte) else { throw error(.unexpectedByte(bytes[index], expected: words)) }
  }

  private func error(_ problem: JSONError.Problem, at place: Int? = nil) -> JSONError {
    let offset = min(place ?? index, bytes.count)
    var line = origin.line
    var lineStart = 0
    for i in 0..<offset where bytes[i] == 0x0A {
      line += 1
      lineStart = i + 1
    }
    // Continuation bytes do not start a scalar, so they do not count as columns.
    let before = bytes[lineStart..<offset].count { $0 & 0xC0 != 0x80 }
    let column = before + (lineStart == 0 ? self.column : 1)
    return JSONError(
      problem: problem, file: file, byteOffset: origin.byteOffset + offset, line: line, column: column)
  }
}

extension JSON {
  /// Reads a value from a text.
  package init(parsing text: String, file: String = "text") throws {
    var copy = text
    self = try copy.withUTF8 { try JSONReader.read(UnsafeRawBufferPointer($0), file: file) }
  }

  /// Reads a value from bytes.
  package init(parsing bytes: [UInt8], file: String) throws {
    self = try bytes.withUnsafeBytes { try JSONReader.read($0, file: file) }
  }
}
