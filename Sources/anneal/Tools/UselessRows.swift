import Datasets
import Diagnostics

/// Rows that `anneal render` shows and a run leaves out.
struct UselessRows {
  private var unlearned = Count()
  private var equal = Count()

  private struct Count {
    var rows = 0
    var firstRow: Int?

    mutating func add(_ rows: Int, row: Int) {
      if rows > 0, firstRow == nil { firstRow = row }
      self.rows += rows
    }
  }

  /// Adds what became of one row.
  mutating func add(_ report: TokenizeReport, row: Int) {
    unlearned.add(report.recordsWithoutLabels, row: row)
    equal.add(report.pairsWithoutDifference, row: row)
  }

  /// A warning for each kind, with how many rows there are and the first.
  func warnings(file: String) -> [Diagnostic] {
    func warning(_ count: Count, _ reason: String) -> Diagnostic? {
      guard let row = count.firstRow else { return nil }
      return Diagnostic(
        .warning, code: "rows-left-out", "A run leaves \(count.rows == 1 ? "1 row" : "\(count.rows) rows") out",
        at: Place(file: file, row: row), reason: reason)
    }
    return [
      warning(unlearned, "nothing in them is learned"),
      warning(equal, "their two answers are the same once they are cut"),
    ].compactMap { $0 }
  }
}
