import Diagnostics
import PreciseJSON
import Tokenization

/// How a dataset file is laid out, told from its bytes alone: what it is called decides nothing.
package enum FileShape: Sendable, Hashable {
  /// A JSON object a line.
  case lines
  /// JSON objects one after another, over as many lines as they take.
  case objects
  /// One JSON list of objects.
  case list
  /// One JSON object whose `member` holds the list of objects; what stands beside it is not read.
  case wrapped(member: String, beside: [String])
  /// A text a line.
  case texts
}

extension FileShape {
  /// Looks at a file's bytes.
  ///
  /// Only a file that is one JSON object is gone through to its end; of others the first rows are looked at.
  ///
  /// - Parameter isText: Whether the rows are known to be texts, which may look like a table then.
  /// - Throws: ``DatasetError`` naming what the file is when it is nothing that rows are read from.
  package init(_ bytes: UnsafeRawBufferPointer, file: String, isText: Bool) throws {
    if let kind = ForeignFile(bytes) { throw DatasetError(.foreignFile(kind), file: file) }
    let start = Self.start(bytes)
    guard start < bytes.count else {
      self = .lines
      return
    }
    switch bytes[start] {
    case UInt8(ascii: "{") where isText && !Self.opensObject(bytes, start..<bytes.count): self = .texts
    case UInt8(ascii: "{"): self = try Self.startingWithAnObject(bytes, at: start, file: file)
    case UInt8(ascii: "["): self = Self.isList(bytes, at: start) ? .list : .texts
    case UInt8(ascii: "\""): self = Self.isJSON(bytes, Self.line(in: bytes, from: start)) ? .lines : .texts
    default: self = Self.holdsObjects(bytes, from: start) ? .lines : .texts
    }
    if self == .texts, !isText, let columns = Self.header(bytes, from: start) {
      throw DatasetError(.foreignFile(.table(columns: columns)), file: file)
    }
  }

  /// Where a file's text starts: behind the byte-order mark that some editors write, and white space.
  static func start(_ bytes: UnsafeRawBufferPointer) -> Int {
    bytes[markLength(bytes)...].firstIndex { !isSpace($0) } ?? bytes.count
  }

  static func markLength(_ bytes: UnsafeRawBufferPointer) -> Int { bytes.starts(with: [0xEF, 0xBB, 0xBF]) ? 3 : 0 }

  static func isSpace(_ byte: UInt8) -> Bool { byte == 0x20 || (0x09...0x0D).contains(byte) }

  private static func startingWithAnObject(
    _ bytes: UnsafeRawBufferPointer, at start: Int, file: String
  ) throws -> FileShape {
    var scanner = JSONScanner(bytes, start..<bytes.count)
    let firstLine = line(in: bytes, from: start)
    guard let first = try? scanner.skipValue() else {
      // Cut short: a bad line among lines, or the only object there is.
      return hasObjectLine(bytes, from: firstLine.upperBound) || isWhole(bytes, firstLine) ? .lines : .objects
    }
    scanner.skipSpace()
    if scanner.index == bytes.count { return try alone(bytes, first, file: file) }
    if scanner.take(UInt8(ascii: ",")) { throw DatasetError(.foreignFile(.listWithoutBrackets), file: file) }
    if first.upperBound > firstLine.upperBound { return .objects }
    let rest = bytes[first.upperBound..<firstLine.upperBound].first { !isSpace($0) }
    return rest == UInt8(ascii: "{") ? .objects : .lines
  }

  /// A file that is one JSON object: a row, or what is put around a list of rows.
  private static func alone(
    _ bytes: UnsafeRawBufferPointer, _ value: Range<Int>, file: String
  ) throws -> FileShape {
    var scanner = JSONScanner(bytes, value)
    let members = (try? scanner.members { _, _ in false }) ?? []
    let known = Layout.knownColumns
    let lists = members.filter { isList(bytes, at: $0.value.lowerBound) && bytes[$0.value].contains(UInt8(ascii: "{")) }
    guard !lists.isEmpty, !members.contains(where: { known.contains($0.key) }) else {
      return bytes[value].contains(0x0A) ? .objects : .lines
    }
    guard lists.count == 1, let list = lists.first else {
      throw DatasetError(.foreignFile(.severalLists(members: lists.map(\.key))), file: file)
    }
    return .wrapped(member: list.key, beside: members.map(\.key).filter { $0 != list.key })
  }

  /// Whether a bracket opens a JSON list, not a text such as `[music]`.
  private static func isList(_ bytes: UnsafeRawBufferPointer, at start: Int) -> Bool {
    guard bytes[start] == UInt8(ascii: "[") else { return false }
    switch bytes[(start + 1)...].first(where: { !isSpace($0) }) {
    case UInt8(ascii: "{"), UInt8(ascii: "]"): return true
    default:
      var scanner = JSONScanner(bytes, start..<bytes.count)
      return (try? scanner.skipValue()).map { isJSON(bytes, $0) } ?? false
    }
  }

  /// Whether most of the first lines open an object, so that the first one is a bad row and not a text.
  private static func holdsObjects(_ bytes: UnsafeRawBufferPointer, from start: Int) -> Bool {
    var counts = (lines: 0, objects: 0)
    forEachLine(bytes, from: start) { line in
      counts.lines += 1
      if opensObject(bytes, line) { counts.objects += 1 }
      return counts.lines < 20
    }
    return counts.objects * 2 > counts.lines
  }

  private static func hasObjectLine(_ bytes: UnsafeRawBufferPointer, from start: Int) -> Bool {
    var found = false
    forEachLine(bytes, from: start) { line in
      found = bytes[line.lowerBound] == UInt8(ascii: "{") && opensObject(bytes, line)
      return !found
    }
    return found
  }

  private static func opensObject(_ bytes: UnsafeRawBufferPointer, _ line: Range<Int>) -> Bool {
    bytes[line.lowerBound] == UInt8(ascii: "{")
      && bytes[(line.lowerBound + 1)..<line.upperBound].first { !isSpace($0) } == UInt8(ascii: "\"")
  }

  /// Whether a line that opens an object also ends in one's end, though what is between is broken.
  private static func isWhole(_ bytes: UnsafeRawBufferPointer, _ line: Range<Int>) -> Bool {
    bytes[line].last { !isSpace($0) } == UInt8(ascii: "}")
  }

  private static func isJSON(_ bytes: UnsafeRawBufferPointer, _ range: Range<Int>) -> Bool {
    (try? JSONReader.read(UnsafeRawBufferPointer(rebasing: bytes[range]), file: "")) != nil
  }

  /// The columns of a table's first line, when it has one: a name that some layout reads is among them, or the lines
  /// after it hold as many values.
  private static func header(_ bytes: UnsafeRawBufferPointer, from start: Int) -> [String]? {
    let whole = line(in: bytes, from: start)
    let first = String(decoding: bytes[whole], as: UTF8.self)
    for separator in [",", "\t", ";", "|"] as [Character] {
      let names = first.split(separator: separator, omittingEmptySubsequences: false).map {
        $0.trimming(while: { $0.isWhitespace || $0 == "\"" })
      }
      guard names.count > 1, Set(names).count == names.count,
        names.allSatisfy({ !$0.isEmpty && $0.allSatisfy { $0.isLetter || $0.isNumber || "_-.".contains($0) } }),
        names.contains(where: { Layout.knownColumns.contains($0.lowercased()) })
          || hasColumns(bytes, from: whole.upperBound, names.count, separator)
      else { continue }
      return names
    }
    return nil
  }

  /// Whether there are two more lines at least, and each of the first ones is `count` values between separators, of which
  /// quoted ones may hold some.
  private static func hasColumns(
    _ bytes: UnsafeRawBufferPointer, from start: Int, _ count: Int, _ separator: Character
  ) -> Bool {
    guard let separator = separator.asciiValue else { return false }
    var lines = 0
    var fit = true
    forEachLine(bytes, from: start) { line in
      var isQuoted = false
      var values = 1
      for byte in bytes[line] {
        if byte == UInt8(ascii: "\"") { isQuoted.toggle() }
        if byte == separator, !isQuoted { values += 1 }
      }
      lines += 1
      fit = values == count
      return fit && lines < 20
    }
    // Two lines may well be two sentences with a comma each.
    return fit && lines > 1
  }

  private static func line(in bytes: UnsafeRawBufferPointer, from start: Int) -> Range<Int> {
    start..<(bytes[start...].firstIndex(of: 0x0A) ?? bytes.count)
  }

  /// Calls `body` with each line that is not blank, from its first visible byte on, while it gives true.
  private static func forEachLine(
    _ bytes: UnsafeRawBufferPointer, from start: Int, _ body: (Range<Int>) -> Bool
  ) {
    var position = start
    while position < bytes.count {
      let whole = line(in: bytes, from: position)
      position = whole.upperBound + 1
      guard let first = bytes[whole].firstIndex(where: { !isSpace($0) }) else { continue }
      if !body(first..<whole.upperBound) { return }
    }
  }
}

extension FileShape {
  /// The layout in words for the log; nil for the usual one, which needs none.
  package var words: String? {
    switch self {
    case .lines: nil
    case .objects: "the file is JSON objects one after another"
    case .list: "the file is one JSON list"
    case .wrapped(let member, let beside):
      "the rows are the list `\(member)` of the file's only object"
        + (beside.isEmpty ? "" : "; not read beside it: [\(beside.map { "`\($0)`" }.joined(separator: ", "))]")
    case .texts: "the file is text, a row a line"
    }
  }
}

extension Substring {
  fileprivate func trimming(while isOuter: (Character) -> Bool) -> String {
    String(drop(while: isOuter).reversed().drop(while: isOuter).reversed())
  }
}
