import ChatTemplates
import Diagnostics
import PreciseJSON

/// ShareGPT: `conversations`, a list of objects with `from` and `value`.
func sharegptConversation(_ row: SourceRow, _ map: ColumnMap) throws -> Conversation {
  let field = row.columns[map.messages] == nil ? "conversations" : map.messages
  var messages = try sharegptMessages(try row.column(field, format: .sharegpt), row, field: field)
  if let system = try row.optionalText(map.system), messages.first?.role != "system" {
    messages.insert(ChatMessage(role: "system", content: system), at: 0)
  }
  try checkOrder(messages, row, field: field)
  return Conversation(messages: messages, tools: try row.tools(map.tools))
}

/// The roles that ShareGPT's `from` takes, and what they are here.
private let sharegptRoles = [
  "system": "system", "human": "user", "user": "user", "gpt": "assistant", "assistant": "assistant",
  "function_call": "assistant", "observation": "tool", "tool": "tool",
]

/// The messages of a list of objects with `from` and `value`.
func sharegptMessages(_ value: JSON, _ row: SourceRow, field: String) throws -> [ChatMessage] {
  guard let list = value.array else {
    throw row.error(.wrongColumnType(field, expected: "a list of messages", found: value.kind))
  }
  return try list.enumerated().map { index, item in
    try sharegptMessage(item, row, field: "\(field)[\(index)]")
  }
}

/// One object with `from` and `value`.
func sharegptMessage(_ item: JSON, _ row: SourceRow, field: String) throws -> ChatMessage {
  guard let from = item["from"]?.string else {
    throw row.error(.wrongColumnType("\(field).from", expected: "a role", found: item["from"]?.kind ?? "nothing"))
  }
  guard let role = sharegptRoles[from] else {
    let known = sharegptRoles.keys.sorted()
    throw row.error(
      .unknownRole(from, field: "\(field).from", known: known, nearest: nearestName(to: from, among: known)))
  }
  guard let text = item["value"]?.string else {
    throw row.error(.wrongColumnType("\(field).value", expected: "a string", found: item["value"]?.kind ?? "nothing"))
  }
  if from == "function_call" {
    return ChatMessage(role: role, content: "", toolCalls: try toolCalls(text, row, field: "\(field).value"))
  }
  if text.isEmpty, role == "assistant" { throw row.error(.emptyColumn("\(field).value")) }
  return ChatMessage(role: role, content: text)
}

/// The calls that a function turn's text holds: a JSON object or a list of objects with `name` and `arguments`.
private func toolCalls(_ text: String, _ row: SourceRow, field: String) throws -> JSON {
  let value: JSON
  do {
    value = try JSON(parsing: text, file: row.file)
  } catch {
    throw row.error(.invalidToolCall(field: field, reason: "the text is not JSON"))
  }
  return try openAIToolCalls(.array(value.array ?? [value]), row, field: field)
}
