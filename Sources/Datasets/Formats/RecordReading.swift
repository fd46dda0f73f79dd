import Diagnostics

/// A dataset file that was read to its end.
package struct RecordReading: Sendable {
  package var shape: FileShape
  package var format: RowFormat
  package var tally: ColumnTally
  /// How the file is laid out, and what of its rows was read and what was not, for the log and `anneal render`.
  package var lines: [String]
  /// What of the rows is probably not meant as it stands.
  package var warnings: [Diagnostic]

  /// How rows are to be read.
  package struct Options: Sendable {
    /// Nil where the first row tells it.
    package var format: RowFormat?
    package var columns = ColumnMap()
    /// Columns to leave out.
    package var ignored: [String] = []
    /// Columns that travel with prompts.
    package var kept: [String] = []
    /// Rows after this many are not read.
    package var limit: Int?

    package init() {}
  }

  /// Reads the records of a file, in order.
  ///
  /// - Parameters:
  ///   - detected: Called with the format that the first row tells.
  ///   - body: Gets each record and its row; may throw a ``DatasetError`` about it.
  /// - Throws: ``DatasetError``, ``DatasetErrors``
  package init(
    path: String, _ options: Options = Options(), detected: (DetectedFormat) -> Void = { _ in },
    _ body: (Record, SourceRow) throws -> Void
  ) throws {
    var reader: RecordReader?
    var tally = ColumnTally()
    /// What is wrong with the file as a whole, so that it is not said of each row.
    struct Stop: Error { let cause: any Error }
    do {
      shape = try RowReader.read(path: path, format: options.format, limit: options.limit) { row in
        if reader == nil {
          do {
            var format = options.format
            if format == nil {
              let found = try RowFormat.detect(
                row, columns: options.columns, ignored: options.ignored, kept: options.kept)
              detected(found)
              format = found.format
            }
            reader = try RecordReader(
              format ?? .text, columns: options.columns, ignored: options.ignored, kept: options.kept, file: path)
          } catch {
            throw Stop(cause: error)
          }
        }
        if let record = try reader?.record(row, tally: &tally) { try body(record, row) }
      }
    } catch let stop as Stop {
      throw stop.cause
    }
    format = reader?.format ?? .text
    self.tally = tally
    warnings = tally.warnings(file: path)
    lines = [shape.words].compactMap { $0 } + tally.lines(format, columns: options.columns)
    try tally.check(format, columns: options.columns, file: path)
  }
}
