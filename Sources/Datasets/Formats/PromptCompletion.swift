import ChatTemplates
import PreciseJSON

/// A prompt and its completion, each a string or a list of messages.
func promptCompletionConversation(_ row: SourceRow, _ map: ColumnMap) throws -> Conversation {
  let pair = map.promptAndCompletion(in: row.columns) ?? (map.prompt, map.completion)
  var messages: [ChatMessage] = []
  if let system = try row.optionalText(map.system) { messages.append(ChatMessage(role: "system", content: system)) }
  messages += try row.messages(orText: pair.prompt, role: "user", format: .promptCompletion)
  messages += try row.messages(orText: pair.completion, role: "assistant", format: .promptCompletion)
  try checkOrder(messages, row, field: pair.completion)
  return Conversation(messages: messages, tools: try row.tools(map.tools))
}

extension SourceRow {
  /// A column that is one message's text, or a list of messages.
  func messages(orText name: String, role: String, format: RowFormat) throws -> [ChatMessage] {
    let value = try column(name, format: format)
    if value.array != nil { return try openAIMessages(value, self, field: name) }
    return [ChatMessage(role: role, content: try text(name, format: format))]
  }
}
