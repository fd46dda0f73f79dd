/// What a column of a row means.
package enum Column: String, Sendable, Hashable, CaseIterable {
  case messages
  case instruction
  case input
  case output
  case history
  case system
  case tools
  case prompt
  case completion
  case text
  case chosen
  case rejected
  case margin
  case label
  case source

  /// The names that files give it, the usual one first.
  package var names: [String] {
    switch self {
    case .messages: ["messages", "conversations", "conversation"]
    case .output: ["output", "response"]
    case .system: ["system", "system_prompt"]
    case .tools: ["tools", "functions"]
    case .prompt: ["prompt", "question"]
    case .completion: ["completion", "response", "answer"]
    case .label: ["label", "kto_tag"]
    // Many sets have a column of this name; it is read where it is asked for.
    case .source: []
    case .instruction, .input, .history, .text, .chosen, .rejected, .margin: [rawValue]
    }
  }

  /// What stands in it, for the reference page.
  package var doc: String {
    switch self {
    case .messages: "the messages of a conversation, a list of objects"
    case .instruction: "what the user asks"
    case .input: "what the instruction is about, on a line of its own after it; one of the two may be empty"
    case .output: "the answer"
    case .history: "earlier pairs of user and assistant texts, as a list or as its JSON text"
    case .system: "the system text; it stands first"
    case .tools: "the tools' schemas, a list of objects or of JSON texts, or the list as one JSON text"
    case .prompt: "what the user says, or a list of messages"
    case .completion: "the answer, or a list of messages"
    case .text: "a text, all of which is learned"
    case .chosen: "the preferred answer: a text, a message, or a list of messages"
    case .rejected: "the other answer, likewise"
    case .margin: "by how much the first answer is preferred, a number; 0 where there is none"
    case .label:
      "KTO's mark, `true` for an answer to give and `false` for one to avoid; as conversations, only rows with `true` are read"
    case .source: "the name of the source that the row comes from"
    }
  }
}

/// The names of columns where a file calls them otherwise; the others go by ``Column/names``.
package struct ColumnMap: Sendable, Hashable {
  private var names: [Column: String] = [:]

  package init() {}

  package subscript(column: Column) -> String? {
    get { names[column] }
    set { names[column] = newValue }
  }

  /// Those that are mapped, in the order of ``Column``.
  var mapped: [(column: Column, name: String)] {
    Column.allCases.compactMap { column in names[column].map { (column, $0) } }
  }

  /// The names under which a column may stand.
  func candidates(_ column: Column) -> [String] { names[column].map { [$0] } ?? column.names }
}
