import PreciseJSON

/// A layout of rows that files come in.
package enum RowFormat: String, Sendable, CaseIterable {
  /// OpenAI's `messages`: a list of objects with `role` and `content`.
  case messages
  /// ShareGPT's `conversations`: a list of objects with `from` and `value`.
  case sharegpt
  /// Stanford Alpaca's `instruction`, `input`, `output` (and `system`, `history`).
  case alpaca
  /// `prompt` and `completion` (or `response`; or `question` and `answer`).
  case promptCompletion = "prompt_completion"
  /// `text` alone.
  case text
  /// A prompt in any of the layouts above with `chosen` and `rejected`.
  case preference
  /// A conversation in any of the layouts above with `label`: whether its answer is one to give.
  case judged
  /// `prompt` alone, to be answered.
  case prompt
}

extension RowFormat {
  /// What the records of a dataset of this format are.
  package var kind: Record.Kind {
    switch self {
    case .messages, .sharegpt, .alpaca, .promptCompletion: .conversation
    case .text: .text
    case .preference: .preference
    case .judged: .judged
    case .prompt: .prompt
    }
  }
}

/// A format and the rule that chose it, in words for the log.
package struct DetectedFormat: Sendable, Hashable {
  package var format: RowFormat
  package var rule: String
}

extension RowFormat {
  /// Tells the format of a dataset from its first row.
  ///
  /// Rules, in this order: `chosen` and `rejected` → preference; a list of objects with `role` → messages, with `from` →
  /// sharegpt; `instruction` → alpaca; a prompt and a completion → prompt_completion; any of these four beside a label →
  /// judged; `text` → text; a prompt alone → prompt. Names are those of ``Column/names``, or what `columns` maps to.
  ///
  /// - Parameters:
  ///   - ignored: Columns that the user does not want to be read.
  ///   - kept: Columns that travel with a prompt, and are no answer to it.
  /// - Throws: ``DatasetError`` when no rule matches.
  package static func detect(
    _ row: SourceRow, columns map: ColumnMap, ignored: [String] = [], kept: [String] = []
  ) throws -> DetectedFormat {
    let read = Set(Layout.of(.prompt).columns.flatMap(map.candidates))
    let row = row.without(ignored + kept.filter { !read.contains($0) })
    if let chosen = row.name(.chosen, map), let rejected = row.name(.rejected, map) {
      return DetectedFormat(format: .preference, rule: "the columns `\(chosen)` and `\(rejected)` are there")
    }
    if let found = ofConversation(row, columns: map) {
      guard let label = row.name(.label, map) ?? map[.label] else { return found }
      return DetectedFormat(format: .judged, rule: "the label is in `\(label)`, and \(found.rule)")
    }
    if let text = row.name(.text, map) {
      return DetectedFormat(format: .text, rule: "the column `\(text)` is there")
    }
    func isThere(_ column: Column) -> Bool { map.candidates(column).contains { row.columns[$0] != nil } }
    let pair = [Column.chosen, .rejected].compactMap { column in
      map.candidates(column).first { row.columns[$0] != nil }
    }
    if pair.count == 2, let empty = pair.first(where: { row.columns[$0]?.isNull == true }) {
      throw row.error(.nullAnswer(empty))
    }
    // One with an answer that is null or without its other is no prompt alone.
    if let prompt = row.name(.prompt, map), ![.chosen, .rejected, .completion, .output].contains(where: isThere) {
      return DetectedFormat(format: .prompt, rule: "the column `\(prompt)` is there, and no answer")
    }
    throw row.error(.unknownFormat(columns: row.columns.keys))
  }

  /// The layout of a row's conversation; nil when there is none.
  static func ofConversation(_ row: SourceRow, columns map: ColumnMap) -> DetectedFormat? {
    for name in map.candidates(.messages) {
      guard let first = row.columns[name]?.array?.first else { continue }
      for (member, format) in [("role", RowFormat.messages), ("from", .sharegpt)] where first[member] != nil {
        return DetectedFormat(format: format, rule: "`\(name)` is a list of objects with `\(member)`")
      }
    }
    if let instruction = row.name(.instruction, map) {
      return DetectedFormat(format: .alpaca, rule: "the column `\(instruction)` is there")
    }
    if let prompt = row.name(.prompt, map), let completion = row.name(.completion, map) {
      return DetectedFormat(format: .promptCompletion, rule: "the columns `\(prompt)` and `\(completion)` are there")
    }
    return nil
  }
}

extension SourceRow {
  /// The name under which a column is there and not null.
  fileprivate func name(_ column: Column, _ map: ColumnMap) -> String? {
    map.candidates(column).first { columns[$0].map { !$0.isNull } ?? false }
  }
}
