import Diagnostics
import PreciseJSON

/// What became of the columns of a dataset's rows: nothing is left out without being counted here.
package struct ColumnTally: Sendable, Hashable {
  /// How often something was met, and in which row first.
  package struct Count: Sendable, Hashable {
    package var rows: Int
    package var firstRow: Int

    fileprivate var words: String {
      (rows == 1 ? "1 row" : "\(rows) rows") + (firstRow == 1 ? "" : ", first row \(firstRow)")
    }

    static func joined(_ a: Count, _ b: Count) -> Count {
      Count(rows: a.rows + b.rows, firstRow: min(a.firstRow, b.firstRow))
    }
  }

  /// Rows that have each column which is read.
  var readColumns: [String: Int] = [:]
  /// Rows whose column says again what others say.
  var repeatedColumns: [String: Int] = [:]
  /// Messages with each member that goes to the chat template as it is.
  var passedMembers: [String: Int] = [:]
  /// Columns that no layout knows.
  var unreadColumns: [String: Count] = [:]
  /// Columns whose meaning would be lost, which no dataset may have.
  var refusedColumns: [String: Count] = [:]
  /// Rows of KTO's layout with an answer to avoid, by the column that says so.
  var undesiredAnswers: [String: Count] = [:]
  /// Rows that have each column which travels with prompts.
  var keptColumns: [String: Int] = [:]
  /// Rows where such a column is absent or null.
  var lackingColumns: [String: Count] = [:]
  /// Names that `columns` maps to and that stood in some row.
  var mappedColumns: Set<String> = []
  /// Names of columns, for the nearest one to a name that is nowhere.
  var names: Set<String> = []
  /// Rows that have each remark.
  var remarks: [RowRemark: Count] = [:]

  package init() {}

  mutating func add(_ row: SourceRow, mapped: [String], kept: [String]) {
    for name in mapped where row.columns[name] != nil { mappedColumns.insert(name) }
    for name in kept {
      if row.columns[name]?.isNull ?? true {
        lackingColumns[name, default: Count(rows: 0, firstRow: row.number)].rows += 1
      } else {
        keptColumns[name, default: 0] += 1
      }
    }
    if !mapped.isEmpty || !kept.isEmpty, names.count < 100 { names.formUnion(row.columns.keys) }
  }

  mutating func read(_ name: String) { readColumns[name, default: 0] += 1 }

  mutating func repeated(_ name: String) { repeatedColumns[name, default: 0] += 1 }

  mutating func passed(_ name: String) { passedMembers[name, default: 0] += 1 }

  mutating func unread(_ name: String, row: Int) {
    unreadColumns[name, default: Count(rows: 0, firstRow: row)].rows += 1
  }

  mutating func refuse(_ name: String, row: Int) {
    refusedColumns[name, default: Count(rows: 0, firstRow: row)].rows += 1
  }

  mutating func undesired(_ name: String, row: Int) {
    undesiredAnswers[name, default: Count(rows: 0, firstRow: row)].rows += 1
  }

  mutating func add(_ remarks: Set<RowRemark>, row: Int) {
    for remark in remarks { self.remarks[remark, default: Count(rows: 0, firstRow: row)].rows += 1 }
  }

  /// Adds what was counted in later rows.
  package mutating func add(_ other: ColumnTally) {
    readColumns.merge(other.readColumns, uniquingKeysWith: +)
    repeatedColumns.merge(other.repeatedColumns, uniquingKeysWith: +)
    passedMembers.merge(other.passedMembers, uniquingKeysWith: +)
    unreadColumns.merge(other.unreadColumns, uniquingKeysWith: Count.joined)
    refusedColumns.merge(other.refusedColumns, uniquingKeysWith: Count.joined)
    undesiredAnswers.merge(other.undesiredAnswers, uniquingKeysWith: Count.joined)
    remarks.merge(other.remarks, uniquingKeysWith: Count.joined)
    keptColumns.merge(other.keptColumns, uniquingKeysWith: +)
    lackingColumns.merge(other.lackingColumns, uniquingKeysWith: Count.joined)
    mappedColumns.formUnion(other.mappedColumns)
    names.formUnion(other.names)
  }

  /// The same of rows that stand so many rows further down.
  package func moved(by rows: Int) -> ColumnTally {
    func moved<Name>(_ counts: [Name: Count]) -> [Name: Count] {
      counts.mapValues { Count(rows: $0.rows, firstRow: $0.firstRow + rows) }
    }
    var tally = self
    tally.unreadColumns = moved(unreadColumns)
    tally.refusedColumns = moved(refusedColumns)
    tally.undesiredAnswers = moved(undesiredAnswers)
    tally.remarks = moved(remarks)
    tally.lackingColumns = moved(lackingColumns)
    return tally
  }

  /// Checks that nothing was left out that means something, and that every column that is mapped or kept stood somewhere.
  ///
  /// - Throws: ``DatasetErrors`` with one problem for each column.
  package func check(_ format: RowFormat, columns map: ColumnMap, file: String) throws {
    func sorted(_ counts: [String: Count]) -> [(name: String, count: Count)] {
      counts.map { ($0.key, $0.value) }.sorted { $0.name < $1.name }
    }
    var problems = sorted(refusedColumns).map { name, count in
      DatasetError(
        .unreadColumn(
          name, format: format.rawValue, rows: count.rows, reason: Layout.columnsOfOthers[name]),
        file: file, row: count.firstRow)
    }
    problems += sorted(undesiredAnswers).map { name, count in
      DatasetError(.undesiredAnswers(column: name, rows: count.rows), file: file, row: count.firstRow)
    }
    problems += map.mapped.filter { !mappedColumns.contains($0.name) }.map { column, name in
      DatasetError(
        .mappedColumnNowhere(name, as: column.rawValue, nearest: nearestName(to: name, among: names.sorted())),
        file: file)
    }
    problems += sorted(lackingColumns).filter { keptColumns[$0.name] == nil }.map { name, _ in
      DatasetError(
        .keptColumnNowhere(name, nearest: nearestName(to: name, among: names.subtracting([name]).sorted())), file: file)
    }
    if !problems.isEmpty { throw DatasetErrors(problems: problems, unlisted: 0) }
  }

  /// What was read of the rows and what was not, a line each, for the log and `anneal render`.
  package func lines(_ format: RowFormat, columns map: ColumnMap) -> [String] {
    func list(_ counts: [String: Int], _ unit: String) -> String {
      counts.sorted { $0.key < $1.key }.map { "`\($0.key)` (\($0.value) \(unit)\($0.value == 1 ? "" : "s"))" }.joined(
        separator: ", ")
    }
    // A column that only people can name has no name of its own.
    let absent = Layout.of(format).columns.map(map.candidates).filter { names in
      !names.isEmpty && !names.contains { readColumns[$0] != nil }
    }
    var lines: [String] = []
    if !readColumns.isEmpty {
      let others = absent.isEmpty ? "" : "; not there: [\(absent.map { "`\($0[0])`" }.joined(separator: ", "))]"
      lines.append("columns read: \(list(readColumns, "row"))\(others)")
    }
    if !keptColumns.isEmpty { lines.append("columns that travel with the prompts: \(list(keptColumns, "row"))") }
    if !passedMembers.isEmpty {
      lines.append("members of messages that go to the chat template as they are: \(list(passedMembers, "message"))")
    }
    if !repeatedColumns.isEmpty {
      lines.append("columns that say again what others say: \(list(repeatedColumns, "row"))")
    }
    if !unreadColumns.isEmpty {
      let words = unreadColumns.sorted { $0.key < $1.key }.map { "`\($0.key)` (\($0.value.words))" }
      lines.append("columns not read: \(words.joined(separator: ", "))")
    }
    let orders = sortedRemarks.compactMap { remark, count in
      if case .order(let role, let previous) = remark { "`\(role)` after `\(previous)` (\(count.words))" } else { nil }
    }
    if !orders.isEmpty {
      lines.append("orders of roles that not every template takes: \(orders.joined(separator: ", "))")
    }
    return lines
  }

  /// What of the rows is probably not meant as it stands.
  package func warnings(file: String) -> [Diagnostic] { placeholderWarnings(file: file) + lackingWarnings(file: file) }

  private func placeholderWarnings(file: String) -> [Diagnostic] {
    let placeholders = sortedRemarks.compactMap { remark, count -> (name: String, count: Count)? in
      if case .placeholder(let name) = remark { (name, count) } else { nil }
    }
    guard let first = placeholders.map(\.count.firstRow).min() else { return [] }
    let listed = placeholders.prefix(8).map { "`{{\($0.name)}}` in \($0.count.words)" }
    let more = placeholders.count > 8 ? " and \(placeholders.count - 8) more" : ""
    return [
      Diagnostic(
        .warning, code: "placeholder", "Placeholders stand in the rows: \(listed.joined(separator: ", "))\(more)",
        at: Place(file: file, row: first), reason: "nothing fills them, so the model learns them letter by letter",
        advice: "put the text that is meant in their place")
    ]
  }

  private func lackingWarnings(file: String) -> [Diagnostic] {
    lackingColumns.sorted { $0.key < $1.key }.filter { keptColumns[$0.key] != nil }.map { name, count in
      Diagnostic(
        .warning, code: "lacking-column",
        "Column `\(name)` is absent or null in \(count.rows == 1 ? "1 row" : "\(count.rows) rows")",
        at: Place(file: file, row: count.firstRow),
        reason: "`keep_columns` names it, and a reward function that reads it finds nothing there",
        advice: "fill it, or take the rows out")
    }
  }

  private var sortedRemarks: [(key: RowRemark, value: Count)] { remarks.sorted { $0.key.text < $1.key.text } }
}
