import ChatTemplates
import Diagnostics
import PreciseJSON

/// Brings rows of one layout to the common form, and keeps account of the columns.
package struct RecordReader: Sendable {
  package let format: RowFormat
  private let layout: Layout
  private let map: ColumnMap
  /// Columns that the user does not want to be read.
  private let ignored: Set<String>
  /// Columns that travel with prompts, each once.
  private let kept: [String]
  /// The source of rows that name none.
  private let source: String?

  /// - Parameter source: The name of the source of rows that name none by the column for it.
  /// - Throws: ``DatasetErrors`` of columns that are named without use, see ``misfits(_:columns:ignored:kept:)``.
  package init(
    _ format: RowFormat, columns map: ColumnMap = ColumnMap(), ignored: [String] = [], kept: [String] = [],
    source: String? = nil, file: String
  ) throws {
    self.source = source
    self.format = format
    self.map = map
    self.ignored = Set(ignored)
    self.kept = kept.enumerated().filter { !kept[..<$0.offset].contains($0.element) }.map(\.element)
    layout = Layout.of(format)
    let misfits = Self.misfits(format, columns: map, ignored: ignored, kept: kept)
    if !misfits.isEmpty {
      throw DatasetErrors(problems: misfits.map { DatasetError($0, file: file) }, unlisted: 0)
    }
  }

  /// What is wrong with the names of columns in a format, whatever stands in the rows: columns that are mapped and not
  /// read, kept beside other rows than prompts, or ignored and mapped or kept at once.
  package static func misfits(
    _ format: RowFormat, columns map: ColumnMap, ignored: [String], kept: [String]
  ) -> [DatasetError.Problem] {
    let layout = Layout.of(format)
    var problems: [DatasetError.Problem] = map.mapped.compactMap { column, name in
      if !layout.columns.contains(column) {
        return .columnWithoutUse(column.rawValue, format: format.rawValue)
      }
      return ignored.contains(name) ? .ignoredAndMapped(name) : nil
    }
    if !kept.isEmpty, format.kind != .prompt { problems.append(.keptWithoutUse(kind: format.kind.rawValue)) }
    problems += Set(kept).intersection(ignored).sorted().map { .ignoredAndKept($0) }
    return problems
  }

  /// The record of a row.
  ///
  /// - Parameter tally: Gets the row's columns added.
  /// - Throws: ``DatasetError`` naming the row and the field.
  package func record(_ source: SourceRow, tally: inout ColumnTally) throws -> Record {
    tally.add(source, mapped: map.mapped.map(\.name), kept: kept)
    let source = source.without(ignored)
    var row = LayoutRow(source: source, layout: layout, map: map)
    let record: Record
    switch format {
    case .messages, .sharegpt: record = .conversation(try row.listedConversation())
    case .alpaca: record = .conversation(try row.alpacaConversation())
    case .promptCompletion: record = .conversation(try row.promptCompletionConversation())
    case .text: record = .text(try row.text(.text).text)
    case .preference: record = .preference(try row.preferencePair())
    case .judged:
      let isWanted = try row.judgement()
      row = try row.ofConversation()
      record = .judged(try row.judgedAnswer(isWanted: isWanted))
    case .prompt: record = .prompt(try row.promptAlone(), columns: keptColumns(of: source))
    }
    if format != .judged, let label = try row.find(.label), !label.value.isEmpty, !label.value.isPlainTrue {
      tally.undesired(label.name, row: source.number)
    }
    let read = Set(try row.layout.columns.compactMap { try row.find($0)?.name })
    for (name, value) in source.columns.members where !value.isEmpty {
      if read.contains(name) {
        tally.read(name)
      } else if kept.contains(name) {
        continue
      } else if Layout.knownColumns.contains(name) || Layout.columnsOfOthers[name] != nil {
        if repeats(name, value, record) { tally.repeated(name) } else { tally.refuse(name, row: source.number) }
      } else {
        tally.unread(name, row: source.number)
      }
    }
    tally.add(record.remarks, row: source.number)
    for message in record.messages {
      for member in message.extra.members where !member.value.isNull { tally.passed(member.key) }
    }
    return record
  }

  /// The columns of a row that travel with its prompt, in the order in which they were named; nil where it has none.
  private func keptColumns(of source: SourceRow) -> JSON? {
    let members = kept.compactMap { name in
      source.columns[name].flatMap { $0.isNull ? nil : (key: name, value: $0) }
    }
    guard !members.isEmpty else { return nil }
    return JSON(members)
  }

  /// The canonical line of a row's record, which a group stores: with the name of its source where it has one.
  ///
  /// - Parameter tally: Gets the row's columns added.
  /// - Throws: ``DatasetError`` naming the row and the field.
  package func line(_ row: SourceRow, tally: inout ColumnTally) throws -> String {
    let json = try record(row, tally: &tally).json
    let found = try LayoutRow(source: row.without(ignored), layout: layout, map: map).optionalText(.source) ?? source
    guard let found, var object = json.object else { return json.text() }
    object[Record.source] = JSON(found)
    return JSON.object(object).text()
  }

  /// Whether a column that a layout does not read says again what the record says, as in many published sets: the
  /// question as `prompt` beside `messages`, the whole as `text`.
  private func repeats(_ name: String, _ value: JSON, _ record: Record) -> Bool {
    let said = record.messages.filter { !$0.isSystem }
    guard let text = value.string, !said.isEmpty else { return false }
    // The text of one message, or of all of them in some template.
    return said.contains { $0.text == text } || said.allSatisfy { text.contains($0.text) }
  }
}

extension Record {
  /// The messages of a conversation, or of a prompt and its answers.
  var messages: [ChatMessage] {
    switch self {
    case .text: []
    case .conversation(let conversation): conversation.messages
    case .preference(let pair): pair.prompt.messages + pair.chosen + pair.rejected
    case .judged(let judged): judged.prompt.messages + judged.answer
    case .prompt(let prompt, _): prompt.messages
    }
  }
}

extension JSON {
  /// Whether a column says nothing: null, an empty text or an empty list.
  fileprivate var isEmpty: Bool {
    switch self {
    case .null: true
    case .string(let text): text.isEmpty
    case .array(let elements): elements.isEmpty
    default: false
    }
  }

  /// Whether a column says yes: `true`, 1 or "true".
  fileprivate var isPlainTrue: Bool {
    bool == true || double == 1 || string == "true" || string == "True"
  }
}
