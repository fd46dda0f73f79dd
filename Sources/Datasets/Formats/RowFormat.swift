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
  /// Rules, in this order: `chosen` and `rejected` → preference; a list under `messages` → messages; a list under
  /// `conversations` whose objects have `from` → sharegpt, `role` → messages; `instruction` → alpaca; a pair of prompt
  /// and completion columns → prompt_completion; `text` → text. Names are those that `columns` maps to.
  ///
  /// - Throws: ``DatasetError`` when no rule matches.
  package static func detect(_ row: SourceRow, columns map: ColumnMap) throws -> DetectedFormat {
    let columns = row.columns
    func has(_ name: String) -> Bool { columns[name].map { !$0.isNull } ?? false }
    if has(map.chosen), has(map.rejected) {
      return DetectedFormat(format: .preference, rule: "the columns `\(map.chosen)` and `\(map.rejected)` are there")
    }
    for name in [map.messages, "messages", "conversations"] {
      guard let list = columns[name]?.array, let first = list.first else { continue }
      if first["role"] != nil {
        return DetectedFormat(format: .messages, rule: "`\(name)` is a list of objects with `role`")
      }
      if first["from"] != nil {
        return DetectedFormat(format: .sharegpt, rule: "`\(name)` is a list of objects with `from`")
      }
    }
    if has(map.instruction) {
      return DetectedFormat(format: .alpaca, rule: "the column `\(map.instruction)` is there")
    }
    if let pair = map.promptAndCompletion(in: columns) {
      return DetectedFormat(
        format: .promptCompletion, rule: "the columns `\(pair.prompt)` and `\(pair.completion)` are there")
    }
    if has(map.text) { return DetectedFormat(format: .text, rule: "the column `\(map.text)` is there") }
    throw row.error(.unknownFormat(columns: columns.keys))
  }

  /// Brings a row of this format to the common form.
  ///
  /// - Throws: ``DatasetError`` naming the row and the field.
  package func record(_ row: SourceRow, columns map: ColumnMap) throws -> Record {
    switch self {
    case .messages: .conversation(try messagesConversation(row, map))
    case .sharegpt: .conversation(try sharegptConversation(row, map))
    case .alpaca: .conversation(try alpacaConversation(row, map))
    case .promptCompletion: .conversation(try promptCompletionConversation(row, map))
    case .text: .text(try row.text(map.text, format: self))
    case .preference: .preference(try preferencePair(row, map))
    }
  }
}

/// The names of the columns that formats read, where a file calls them differently.
package struct ColumnMap: Sendable, Hashable {
  package var messages = "messages"
  package var instruction = "instruction"
  package var input = "input"
  package var output = "output"
  package var history = "history"
  package var system = "system"
  package var tools = "tools"
  package var prompt = "prompt"
  package var completion = "completion"
  package var text = "text"
  package var chosen = "chosen"
  package var rejected = "rejected"

  package init() {}

  /// The first pair of prompt and completion columns that a row has.
  func promptAndCompletion(in columns: JSONObject) -> (prompt: String, completion: String)? {
    [(prompt, completion), ("prompt", "response"), ("question", "answer")].first {
      columns[$0.0] != nil && columns[$0.1] != nil
    }
  }
}
