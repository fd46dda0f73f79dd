import ChatTemplates
import PreciseJSON

/// A prompt in any layout, and `chosen` and `rejected`: strings, single messages, or lists of messages (which may
/// repeat the prompt, as some published sets do).
func preferencePair(_ row: SourceRow, _ map: ColumnMap) throws -> Preference {
  var prompt: [ChatMessage] = []
  let conversationField = [map.messages, "conversations"].first { row.columns[$0]?.array != nil }
  if let field = conversationField, let list = row.columns[field] {
    let isShareGPT = list.array?.first?["from"] != nil
    prompt = try isShareGPT ? sharegptMessages(list, row, field: field) : openAIMessages(list, row, field: field)
  } else if row.columns[map.instruction] != nil {
    prompt = [try alpacaPrompt(row, map)]
  } else if row.columns[map.prompt] != nil {
    prompt = try row.messages(orText: map.prompt, role: "user", format: .preference)
  }
  if let system = try row.optionalText(map.system), prompt.first?.role != "system" {
    prompt.insert(ChatMessage(role: "system", content: system), at: 0)
  }
  var chosen = try answer(row, map.chosen)
  var rejected = try answer(row, map.rejected)
  if prompt.isEmpty {
    // Both answers repeat the prompt: what they have in common, all but their last messages.
    prompt = Array(chosen.dropLast())
  }
  chosen = chosen.suffix(1)
  rejected = rejected.suffix(1)
  guard let good = chosen.first, let bad = rejected.first, !prompt.isEmpty else {
    throw row.error(.emptyColumn(map.prompt))
  }
  try checkOrder(prompt, row, field: conversationField ?? map.prompt, needsAnswer: false)
  if prompt.last?.role == "assistant" {
    throw row.error(
      .rolesOutOfOrder(field: conversationField ?? map.prompt, found: "assistant", expected: "a user message last"))
  }
  for (message, field) in [(good, map.chosen), (bad, map.rejected)] where message.role != "assistant" {
    throw row.error(.rolesOutOfOrder(field: field, found: message.role, expected: "an assistant message"))
  }
  for (message, field) in [(good, map.chosen), (bad, map.rejected)]
  where message.toolCalls == nil {
    let isBlank = message.content.string?.utf8.allSatisfy { $0 == 0x20 || (0x09...0x0D).contains($0) } ?? false
    if isBlank { throw row.error(.emptyColumn(field)) }
  }
  if good == bad { throw row.error(.equalAnswers) }
  return Preference(
    prompt: Conversation(messages: prompt, tools: try row.tools(map.tools)), chosen: good, rejected: bad)
}

private func answer(_ row: SourceRow, _ name: String) throws -> [ChatMessage] {
  let value = try row.column(name, format: .preference)
  if value["from"] != nil { return [try sharegptMessage(value, row, field: name)] }
  if value["role"] != nil { return [try openAIMessage(value, row, field: name)] }
  if let first = value.array?.first, first["from"] != nil { return try sharegptMessages(value, row, field: name) }
  return try row.messages(orText: name, role: "assistant", format: .preference)
}
