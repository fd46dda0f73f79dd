import ChatTemplates
import PreciseJSON

/// Alpaca: the instruction and the input, joined by a line break, are the user's message; `history` holds earlier
/// pairs of user and assistant texts, which are learned as well.
func alpacaConversation(_ row: SourceRow, _ map: ColumnMap) throws -> Conversation {
  var messages: [ChatMessage] = []
  if let system = try row.optionalText(map.system) { messages.append(ChatMessage(role: "system", content: system)) }
  if let history = row.columns[map.history], !history.isNull {
    for (index, turn) in (history.array ?? []).enumerated() {
      guard let pair = turn.array, pair.count == 2, let user = pair[0].string, let assistant = pair[1].string else {
        throw row.error(
          .wrongColumnType("\(map.history)[\(index)]", expected: "a pair of strings", found: turn.kind))
      }
      messages.append(ChatMessage(role: "user", content: user))
      messages.append(ChatMessage(role: "assistant", content: assistant))
    }
  }
  messages.append(try alpacaPrompt(row, map))
  messages.append(ChatMessage(role: "assistant", content: try row.text(map.output, format: .alpaca)))
  return Conversation(messages: messages, tools: try row.tools(map.tools))
}

/// The user's message of an alpaca row.
func alpacaPrompt(_ row: SourceRow, _ map: ColumnMap) throws -> ChatMessage {
  let instruction = try row.text(map.instruction, format: .alpaca)
  let input = try row.optionalText(map.input)
  return ChatMessage(role: "user", content: input.map { instruction + "\n" + $0 } ?? instruction)
}
