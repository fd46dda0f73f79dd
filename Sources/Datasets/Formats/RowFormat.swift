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
}

extension RowFormat {
  /// What the records of a dataset of this format are.
  package var kind: Record.Kind {
    switch self {
    case .messages, .sharegpt, .alpaca, .promptCompletion: .conversation
    case .text: .text
    case .preference: .preference
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
  /// sharegpt; `instruction` → alpaca; a prompt and a completion → prompt_completion; `text` → text. Names are those of
  /// ``Column/names``, or what `columns` maps to.
  ///
  /// - Throws: ``DatasetError`` when no rule matches.
  package static func detect(_ row: SourceRow, columns map: ColumnMap) throws -> DetectedFormat {
    func name(_ column: Column) -> String? {
      map.candidates(column).first { row.columns[$0].map { !$0.isNull } ?? false }
    }
    if let chosen = name(.chosen), let rejected = name(.rejected) {
      return DetectedFormat(format: .preference, rule: "the columns `\(chosen)` and `\(rejected)` are there")
    }
    for name in map.candidates(.messages) {
      guard let first = row.columns[name]?.array?.first else { continue }
      for (member, format) in [("role", RowFormat.messages), ("from", .sharegpt)] where first[member] != nil {
        return DetectedFormat(format: format, rule: "`\(name)` is a list of objects with `\(member)`")
      }
    }
    if let instruction = name(.instruction) {
      return DetectedFormat(format: .alpaca, rule: "the column `\(instruction)` is there")
    }
    if let prompt = name(.prompt), let completion = name(.completion) {
      return DetectedFormat(format: .promptCompletion, rule: "the columns `\(prompt)` and `\(completion)` are there")
    }
    if let text = name(.text) { return DetectedFormat(format: .text, rule: "the column `\(text)` is there") }
    let pair = [Column.chosen, .rejected].compactMap { column in
      map.candidates(column).first { row.columns[$0] != nil }
    }
    if pair.count == 2, let empty = pair.first(where: { row.columns[$0]?.isNull == true }) {
      throw row.error(.nullAnswer(empty))
    }
    throw row.error(.unknownFormat(columns: row.columns.keys))
  }
}
