import Diagnostics
import PreciseJSON

/// What became of the columns of a dataset's rows: nothing is left out without being counted here.
package struct ColumnTally: Sendable, Hashable {
  /// How often something was met, and in which row first.
  package struct Count: Sendable, Hashable {
    package var rows: Int
    package var firstRow: Int

    static func joined(_ a: Count, _ b: Count) -> Count {
      Count(rows: a.rows + b.rows, firstRow: min(a.firstRow, b.firstRow))
    }
  }

  /// Rows that have each column which is read.
  private var readColumns: [String: Int] = [:]
  /// Rows whose column says again what others say.
  private var repeatedColumns: [String: Int] = [:]
  /// Messages with each member that goes to the chat template as it is.
  private var passedMembers: [String: Int] = [:]
  /// Columns that no layout knows.
  private var unreadColumns: [String: Count] = [:]
  /// Columns whose meaning would be lost, which no dataset may have.
  private var refusedColumns: [String: Count] = [:]
  /// Rows of KTO's layout with an answer to avoid, by the column that says so.
  private var undesiredAnswers: [String: Count] = [:]
  /// Names that `columns` maps to and that stood in some row.
  private var mappedColumns: Set<String> = []
  /// Names of columns, for the nearest one to a name that is nowhere.
  private var names: Set<String> = []

  package init() {}

  mutating func add(_ row: SourceRow, mapped: [String]) {
    for name in mapped where row.columns[name] != nil { mappedColumns.insert(name) }
    if !mapped.isEmpty, names.count < 100 { names.formUnion(row.columns.keys) }
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

  /// Adds what was counted in later rows.
  package mutating func add(_ other: ColumnTally) {
    readColumns.merge(other.readColumns, uniquingKeysWith: +)
    repeatedColumns.merge(other.repeatedColumns, uniquingKeysWith: +)
    passedMembers.merge(other.passedMembers, uniquingKeysWith: +)
    unreadColumns.merge(other.unreadColumns, uniquingKeysWith: Count.joined)
    refusedColumns.merge(other.refusedColumns, uniquingKeysWith: Count.joined)
    undesiredAnswers.merge(other.undesiredAnswers, uniquingKeysWith: Count.joined)
    mappedColumns.formUnion(other.mappedColumns)
    names.formUnion(other.names)
  }

  /// The same of rows that stand so many rows further down.
  package func moved(by rows: Int) -> ColumnTally {
    func moved(_ counts: [String: Count]) -> [String: Count] {
      counts.mapValues { Count(rows: $0.rows, firstRow: $0.firstRow + rows) }
    }
    var tally = self
    tally.unreadColumns = moved(unreadColumns)
    tally.refusedColumns = moved(refusedColumns)
    tally.undesiredAnswers = moved(undesiredAnswers)
    return tally
  }

  /// Checks that nothing was left out that means something, and that every mapped column stood somewhere.
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
    if !problems.isEmpty { throw DatasetErrors(problems: problems, unlisted: 0) }
  }

  /// What was read of the rows and what was not, a line each, for the log and `anneal render`.
  package func lines(_ format: RowFormat, columns map: ColumnMap) -> [String] {
    func list(_ counts: [String: Int], _ unit: String) -> String {
      counts.sorted { $0.key < $1.key }.map { "`\($0.key)` (\($0.value) \(unit))" }.joined(separator: ", ")
    }
    let absent = Layout.of(format).columns.map(map.candidates).filter { names in
      !names.contains { readColumns[$0] != nil }
    }
    var lines: [String] = []
    if !readColumns.isEmpty {
      let others = absent.isEmpty ? "" : "; not there: [\(absent.map { "`\($0[0])`" }.joined(separator: ", "))]"
      lines.append("columns read: \(list(readColumns, "rows"))\(others)")
    }
    if !passedMembers.isEmpty {
      lines.append("members of messages that go to the chat template as they are: \(list(passedMembers, "messages"))")
    }
    if !repeatedColumns.isEmpty {
      lines.append("columns that say again what others say: \(list(repeatedColumns, "rows"))")
    }
    if !unreadColumns.isEmpty {
      let words = unreadColumns.sorted { $0.key < $1.key }.map { name, count in
        "`\(name)` (\(count.rows) rows" + (count.firstRow == 1 ? ")" : ", first row \(count.firstRow))")
      }
      lines.append("columns not read: \(words.joined(separator: ", "))")
    }
    return lines
  }
}

extension ColumnTally {
  package var json: JSON {
    func object(_ counts: [String: Int]) -> JSON {
      JSON(counts.sorted { $0.key < $1.key }.map { (key: $0.key, value: JSON($0.value)) })
    }
    func counted(_ counts: [String: Count]) -> JSON {
      JSON(
        counts.sorted { $0.key < $1.key }.map {
          (key: $0.key, value: [JSON($0.value.rows), JSON($0.value.firstRow)] as JSON)
        })
    }
    func list(_ names: Set<String>) -> JSON { .array(names.sorted().map { JSON($0) }) }
    return [
      "read": object(readColumns), "repeated": object(repeatedColumns), "passed": object(passedMembers),
      "unread": counted(unreadColumns),
      "refused": counted(refusedColumns), "undesired": counted(undesiredAnswers), "mapped": list(mappedColumns),
      "names": list(names),
    ]
  }

  /// Reads what ``json`` wrote; nil for anything else.
  package init?(json: JSON) {
    func values<Value>(_ name: String, _ value: (JSON) -> Value?) -> [String: Value]? {
      json[name]?.object.map { object in
        Dictionary(object.members.compactMap { member in value(member.value).map { (member.key, $0) } }) { first, _ in
          first
        }
      }
    }
    func count(_ json: JSON) -> Count? {
      guard let pair = json.array, pair.count == 2, let rows = pair[0].int, let first = pair[1].int else { return nil }
      return Count(rows: rows, firstRow: first)
    }
    func names(_ name: String) -> Set<String>? { json[name]?.array.map { Set($0.compactMap(\.string)) } }
    guard let read = values("read", \.int), let repeated = values("repeated", \.int),
      let passed = values("passed", \.int),
      let unread = values("unread", count),
      let refused = values("refused", count), let undesired = values("undesired", count), let mapped = names("mapped"),
      let all = names("names")
    else { return nil }
    (readColumns, repeatedColumns, passedMembers, unreadColumns) = (read, repeated, passed, unread)
    (refusedColumns, undesiredAnswers, mappedColumns, self.names) = (refused, undesired, mapped, all)
  }
}
