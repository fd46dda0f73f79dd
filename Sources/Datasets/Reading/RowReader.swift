import Diagnostics
import PreciseJSON
import TensorFiles

/// Reads the rows of a dataset file, whatever the file is called: what is in it tells how it is laid out.
package enum RowReader {
  /// Calls `body` with each row, in order.
  ///
  /// Every row is tried; what is wrong with rows is collected and thrown at the
  /// end, so that one run names all bad rows. Rows are read one by one: memory does not grow with the file.
  ///
  /// - Parameters:
  ///   - format: The rows' format where it is known; `text` reads as text what would be taken for a table otherwise.
  ///   - limit: Rows after this many are not read.
  ///   - body: May throw a ``DatasetError`` about its row.
  /// - Returns: How the file is laid out.
  /// - Throws: ``DatasetError`` when the file is none that rows are read from, ``DatasetErrors``.
  @discardableResult
  package static func read(
    path: String, format: RowFormat? = nil, limit: Int? = nil, _ body: (SourceRow) throws -> Void
  ) throws -> FileShape {
    try withBytes(path: path, format: format) { bytes, shape in
      var collector = ProblemCollector()
      var stretches = RowStretches(bytes, shape: shape)
      var number = 0
      while number < limit ?? .max, let stretch = stretches.next() {
        number += 1
        try collector.collect { try body(row(number, stretch, bytes, shape, file: path)) }
      }
      if number == 0 { throw DatasetError(.empty, file: path) }
      try collector.throwIfAny()
      return shape
    }
  }

  /// Calls `body` with a file's bytes and how they are laid out.
  ///
  /// - Parameter format: As for ``read(path:format:limit:_:)``.
  /// - Throws: ``DatasetError`` when the file is none that rows are read from, and what `body` throws.
  package static func withBytes<Value>(
    path: String, format: RowFormat?, _ body: (UnsafeRawBufferPointer, FileShape) throws -> Value
  ) throws -> Value {
    try refuseFolder(path)
    return try MappedFile(path: path).withBytes { bytes in
      try body(bytes, try FileShape(bytes, file: path, isText: format == .text))
    }
  }

  /// The row that stands in a stretch of a file.
  ///
  /// - Throws: ``DatasetError``, `JSONError`
  package static func row(
    _ number: Int, _ stretch: RowStretches.Stretch, _ bytes: UnsafeRawBufferPointer, _ shape: FileShape, file: String
  ) throws -> SourceRow {
    let slice = UnsafeRawBufferPointer(rebasing: bytes[stretch.range])
    func error(_ problem: DatasetError.Problem) -> DatasetError {
      DatasetError(problem, file: file, row: number, line: stretch.line)
    }
    if shape == .texts {
      guard let text = String(validating: slice, as: UTF8.self) else { throw error(.invalidUTF8) }
      return SourceRow(
        file: file, number: number, line: stretch.line, columns: JSONObject([("text", JSON(text))]))
    }
    if let expected = stretch.problem { throw error(.brokenList(expected: expected, found: slice.first)) }
    let value = try JSONReader.read(
      slice, file: file, origin: (byteOffset: stretch.range.lowerBound, line: stretch.line), column: stretch.column)
    guard let columns = value.object else { throw error(.notAnObject(found: value.kind)) }
    return SourceRow(file: file, number: number, line: stretch.line, columns: columns)
  }

  private static func refuseFolder(_ path: String) throws {
    guard try pathKind(path) == .folder else { return }
    let names = try folderNames(path) ?? []
    let files = names.filter { name in [".jsonl", ".json", ".txt"].contains { name.hasSuffix($0) } }
    throw DatasetError(.foreignFile(.folder(files: files)), file: path)
  }
}
