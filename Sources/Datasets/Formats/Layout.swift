/// What a layout reads of a row and of its messages: the one declaration that the readers, the log, `anneal render` and
/// the reference page go by.
package struct Layout: Sendable {
  package let format: RowFormat
  /// The columns it reads; rows may lack some.
  package let columns: [Column]
  /// The members of its messages that it reads by itself; all others go to the chat template as the row has them.
  package let members: [String]

  package static func of(_ format: RowFormat) -> Layout {
    switch format {
    case .messages: Layout(format, [.messages, .system, .tools, .label], MessageMembers.openAI + LearningMark.names)
    case .sharegpt: Layout(format, [.messages, .system, .tools, .label], MessageMembers.sharegpt + LearningMark.names)
    case .alpaca: Layout(format, [.instruction, .input, .output, .history, .system, .tools, .label])
    case .promptCompletion:
      Layout(format, [.prompt, .completion, .system, .tools, .label], MessageMembers.openAI + LearningMark.names)
    case .text: Layout(format, [.text])
    case .prompt: Layout(format, [.prompt, .system, .tools], MessageMembers.openAI + MessageMembers.sharegpt)
    case .judged:
      Layout(
        format,
        [.label, .messages, .prompt, .completion, .instruction, .input, .output, .history, .system, .tools],
        MessageMembers.openAI + MessageMembers.sharegpt + LearningMark.names)
    case .preference:
      Layout(
        format, [.chosen, .rejected, .prompt, .messages, .instruction, .input, .history, .system, .tools, .margin],
        MessageMembers.openAI + MessageMembers.sharegpt + LearningMark.names)
    }
  }

  private init(_ format: RowFormat, _ columns: [Column], _ members: [String] = []) {
    self.format = format
    self.columns = columns + [.source]
    self.members = members
  }
}

extension Layout {
  /// Whether a column says something to some layout here or to other programs, so that a row that has it and another
  /// layout is refused unless the column is left out by name.
  package static func hasMeaning(_ column: String) -> Bool {
    knownColumns.contains(column) || columnsOfOthers[column] != nil
  }

  /// The names of columns that some layout reads, but for those that mean something beside answers to compare alone.
  static let knownColumns = Set(Column.allCases.filter { $0 != .label && $0 != .margin }.flatMap(\.names))

  /// Columns that other programs read and that change what a row says; no layout here does.
  static let columnsOfOthers: [String: String] = [
    "context": "some sets mean alpaca's input by it, others what an answer is drawn from",
    "documents": "templates get no documents", "chat_template_kwargs": "templates get no arguments a row",
    "images": "only text is read", "image": "only text is read", "videos": "only text is read",
    "video": "only text is read", "audios": "only text is read", "audio": "only text is read",
    "input_ids": "rows are read as text, not as tokens", "labels": "rows are read as text, not as tokens",
    "segments": "rows are rendered by a template",
  ]

  /// The tables of the reference page, one a layout.
  package static var reference: String {
    RowFormat.allCases.map { format in
      let layout = Layout.of(format)
      let rows = layout.columns.filter { !$0.names.isEmpty }.map { column in
        "| \(column.names.map { "`\($0)`" }.joined(separator: ", ")) | \(column.doc) |"
      }
      var text = "#### `\(format.rawValue)`\n\n| column | what |\n|---|---|\n" + rows.joined(separator: "\n") + "\n"
      if !layout.members.isEmpty {
        text +=
          "\nMembers of messages: \(layout.members.map { "`\($0)`" }.joined(separator: ", ")); all others go to the "
          + "chat template as they are.\n"
      }
      return text
    }.joined(separator: "\n")
  }
}

/// The members of messages that are read, by the manner in which a list of messages is written.
enum MessageMembers {
  static let openAI = ["role", "content", "tool_calls", "function_call"]
  static let sharegpt = ["from", "value"]
}
