/// Where something stands: a file, and as much of line, column, row and byte offset as is known.
///
/// Lines, columns and rows count from 1, byte offsets from 0. A column counts Unicode scalars.
package struct Place: Sendable, Hashable {
  package var file: String
  package var line: Int?
  package var column: Int?
  /// The number of a record in a dataset, or of a row in a table.
  package var row: Int?
  package var byteOffset: Int?

  package init(file: String, line: Int? = nil, column: Int? = nil, row: Int? = nil, byteOffset: Int? = nil) {
    self.file = file
    self.line = line
    self.column = column
    self.row = row
    self.byteOffset = byteOffset
  }
}

extension Place: CustomStringConvertible {
  /// `file:line:column`, then what else is known: `rows.jsonl:3:1, row 3` or `model.gguf, byte 4096`.
  package var description: String {
    var text = file
    if let line {
      text += ":\(line)"
      if let column { text += ":\(column)" }
    }
    if let row { text += ", row \(row)" }
    if let byteOffset { text += ", byte \(byteOffset)" }
    return text
  }
}
