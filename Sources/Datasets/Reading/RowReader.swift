import Diagnostics
import Foundation
import PreciseJSON

/// Reads the rows of a dataset file: `.jsonl` (an object a line), `.json` (a list of objects, or an object a line),
/// `.txt` (a text a line).
package enum RowReader {
  /// Calls `body` with each row, in order.
  ///
  /// Every row is tried; what is wrong with rows is collected and thrown at the
  /// end, so that one run names all bad rows.
  ///
  /// - Parameters:
  ///   - limit: Rows after this many are not read.
  ///   - body: May throw a ``DatasetError`` about its row.
  /// - Throws: ``DatasetErrors``.
  package static func read(
    path: String, limit: Int? = nil, _ body: (SourceRow) throws -> Void
  ) throws {
    let data: Data
    do {
      data = try Data(contentsOf: URL(fileURLWithPath: path), options: .alwaysMapped)
    } catch {
      throw DatasetError(.unreadable(reason: (error as NSError).localizedFailureReason ?? "\(error)"), file: path)
    }
    var collector = ProblemCollector()
    try data.withUnsafeBytes { bytes in
      var rows = RowSequence(path: path, limit: limit ?? .max, collector: collector)
      switch URL(fileURLWithPath: path).pathExtension.lowercased() {
      case "jsonl": try rows.readLines(bytes, body)
      case "json":
        let text = UnsafeRawBufferPointer(rebasing: bytes[Self.markLength(bytes)...])
        let first = text.first { !($0 == 0x20 || (0x09...0x0D).contains($0)) }
        if first == UInt8(ascii: "[") { try rows.readList(text, body) } else { try rows.readLines(bytes, body) }
      case "txt": try rows.readTexts(bytes, body)
      case let other: throw DatasetError(.unknownFileKind(extension: ".\(other)"), file: path)
      }
      collector = rows.collector
      if rows.count == 0, !collector.hasProblems { throw DatasetError(.empty, file: path) }
    }
    try collector.throwIfAny()
  }

  /// The length of a byte-order mark, which some editors put before a text.
  fileprivate static func markLength(_ bytes: UnsafeRawBufferPointer) -> Int {
    bytes.starts(with: [0xEF, 0xBB, 0xBF]) ? 3 : 0
  }
}

/// Keeps the first problems and counts the rest.
struct ProblemCollector {
  private var problems: [any DiagnosticError] = []
  private var count = 0

  var hasProblems: Bool { count > 0 }

  /// Runs `body` and keeps what it throws when that can be put into words.
  mutating func collect(_ body: () throws -> Void) throws {
    do {
      try body()
    } catch let problem as any DiagnosticError {
      count += 1
      if problems.count < DatasetErrors.listed { problems.append(problem) }
    }
  }

  func throwIfAny() throws {
    if hasProblems { throw DatasetErrors(problems: problems, unlisted: count - problems.count) }
  }
}

/// The state of one pass over a file.
private struct RowSequence {
  let path: String
  let limit: Int
  var collector: ProblemCollector
  var count = 0

  mutating func readLines(_ bytes: UnsafeRawBufferPointer, _ body: (SourceRow) throws -> Void) throws {
    var line = 0
    try forEachLine(bytes) { reader, range in
      line += 1
      let slice = UnsafeRawBufferPointer(rebasing: bytes[range])
      guard slice.contains(where: { !($0 == 0x20 || (0x09...0x0D).contains($0)) }) else { return }
      reader.count += 1
      let number = reader.count
      let (path, position) = (reader.path, line)
      try reader.collector.collect {
        let value = try JSONReader.read(slice, file: path, origin: (byteOffset: range.lowerBound, line: position))
        guard let columns = value.object else {
          throw DatasetError(.notAnObject(found: value.kind), file: path, row: number, line: position)
        }
        try body(SourceRow(file: path, number: number, line: position, columns: columns))
      }
    }
  }

  mutating func readList(_ bytes: UnsafeRawBufferPointer, _ body: (SourceRow) throws -> Void) throws {
    for value in try JSONReader.read(bytes, file: path).array ?? [] where count < limit {
      count += 1
      let (number, path) = (count, path)
      try collector.collect {
        guard let columns = value.object else {
          throw DatasetError(.notAnObject(found: value.kind), file: path, row: number)
        }
        try body(SourceRow(file: path, number: number, columns: columns))
      }
    }
  }

  mutating func readTexts(_ bytes: UnsafeRawBufferPointer, _ body: (SourceRow) throws -> Void) throws {
    var line = 0
    try forEachLine(bytes) { reader, range in
      line += 1
      guard !range.isEmpty else { return }
      reader.count += 1
      let (number, path, position) = (reader.count, reader.path, line)
      try reader.collector.collect {
        guard let text = String(validating: bytes[range], as: UTF8.self) else {
          throw DatasetError(.invalidUTF8, file: path, row: number, line: position)
        }
        try body(SourceRow(file: path, number: number, line: position, columns: JSONObject([("text", JSON(text))])))
      }
    }
  }

  /// Calls `body` with the range of each line, without its end, until the limit is reached.
  ///
  /// A byte-order mark at the
  /// start is passed over.
  private mutating func forEachLine(
    _ bytes: UnsafeRawBufferPointer, _ body: (inout RowSequence, Range<Int>) throws -> Void
  ) throws {
    var start = RowReader.markLength(bytes)
    while start < bytes.count, count < limit {
      var end = start
      while end < bytes.count, bytes[end] != 0x0A { end += 1 }
      let next = end + 1
      if end > start, bytes[end - 1] == 0x0D { end -= 1 }
      try body(&self, start..<end)
      start = next
    }
  }
}
