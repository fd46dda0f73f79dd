import PreciseJSON

/// One row of a dataset file and where it stands.
package struct SourceRow: Sendable {
  package var file: String
  /// From 1.
  package var number: Int
  /// In a file with a row a line.
  package var line: Int?
  package var columns: JSONObject

  package init(file: String, number: Int, line: Int? = nil, columns: JSONObject) {
    self.file = file
    self.number = number
    self.line = line
    self.columns = columns
  }

  /// The row without some of its columns.
  func without(_ ignored: some Collection<String>) -> SourceRow {
    guard !ignored.isEmpty else { return self }
    var row = self
    row.columns = JSONObject(columns.members.filter { !ignored.contains($0.key) })
    return row
  }

  /// An error about this row.
  func error(_ problem: DatasetError.Problem) -> DatasetError {
    DatasetError(problem, file: file, row: number, line: line)
  }
}
