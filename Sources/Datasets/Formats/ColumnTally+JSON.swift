import PreciseJSON

extension ColumnTally {
  /// What was counted; the columns that travel with prompts where there are any.
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
    var members: [(key: String, value: JSON)] = [
      ("read", object(readColumns)), ("repeated", object(repeatedColumns)), ("passed", object(passedMembers)),
      ("unread", counted(unreadColumns)), ("refused", counted(refusedColumns)),
      ("undesired", counted(undesiredAnswers)), ("mapped", list(mappedColumns)), ("names", list(names)),
      ("remarks", counted(Dictionary(uniqueKeysWithValues: remarks.map { ($0.key.text, $0.value) }))),
    ]
    if !keptColumns.isEmpty { members.append(("kept", object(keptColumns))) }
    if !lackingColumns.isEmpty { members.append(("lacking", counted(lackingColumns))) }
    return JSON(members)
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
      let all = names("names"), let remarks = values("remarks", count)
    else { return nil }
    (readColumns, repeatedColumns, passedMembers, unreadColumns) = (read, repeated, passed, unread)
    (refusedColumns, undesiredAnswers, mappedColumns, self.names) = (refused, undesired, mapped, all)
    (keptColumns, lackingColumns) = (values("kept", \.int) ?? [:], values("lacking", count) ?? [:])
    self.remarks = Dictionary(
      remarks.compactMap { text, count in RowRemark(text: text).map { ($0, count) } }, uniquingKeysWith: Count.joined)
  }
}
