/// What the layouts of rows read: one declaration that the readers, their messages and the reference page go by.
enum Layout {
  /// The names of columns that some layout reads.
  static let allColumns: Set<String> = [
    "messages", "conversations", "instruction", "input", "output", "history", "system", "tools", "prompt", "completion",
    "response", "question", "answer", "text", "chosen", "rejected",
  ]
}
