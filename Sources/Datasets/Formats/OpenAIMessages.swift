import ChatTemplates
import Diagnostics
import PreciseJSON

/// OpenAI: `messages`, a list of objects with `role` and `content`.
func messagesConversation(_ row: SourceRow, _ map: ColumnMap) throws -> Conversation {
  let field = row.columns[map.messages] == nil && row.columns["conversations"] != nil ? "conversations" : map.messages
  let messages = try openAIMessages(try row.column(field, format: .messages), row, field: field)
  try checkOrder(messages, row, field: field)
  return Conversation(messages: messages, tools: try row.tools(map.tools))
}

private let roles = ["system", "developer", "user", "assistant", "tool"]

/// The messages of a list of objects with `role` and `content`.
func openAIMessages(_ value: JSON, _ row: SourceRow, field: String) throws -> [ChatMessage] {
  guard let list = value.array else {
    throw row.error(.wrongColumnType(field, expected: "a list of messages", found: value.kind))
  }
  guard !list.isEmpty else { throw row.error(.emptyColumn(field)) }
  return try list.enumerated().map { index, item in try openAIMessage(item, row, field: "\(field)[\(index)]") }
}

/// One object with `role` and `content`.
func openAIMessage(_ item: JSON, _ row: SourceRow, field: String) throws -> ChatMessage {
  guard item.object != nil else {
    throw row.error(.wrongColumnType(field, expected: "a message", found: item.kind))
  }
  guard let role = item["role"]?.string else {
    throw row.error(.wrongColumnType("\(field).role", expected: "a role", found: item["role"]?.kind ?? "nothing"))
  }
  guard roles.contains(role) else {
    throw row.error(
      .unknownRole(role, field: "\(field).role", known: roles, nearest: nearestName(to: role, among: roles)))
  }
  if role == "assistant", let weight = item["loss_weight"] ?? item["weight"], weight.double != 1 {
    throw row.error(
      .wrongColumnType("\(field).loss_weight", expected: "1 (other weights are not supported)", found: weight.text()))
  }
  let content = try content(item["content"] ?? .null, row, field: "\(field).content")
  var calls: JSON?
  if let list = item["tool_calls"], !list.isNull {
    calls = try openAIToolCalls(list, row, field: "\(field).tool_calls")
  }
  if content.isEmpty, calls == nil, role == "assistant" { throw row.error(.emptyColumn("\(field).content")) }
  // OpenAI's newer name for the system role; templates know the old one.
  return ChatMessage(role: role == "developer" ? "system" : role, content: content, toolCalls: calls)
}

/// A message's text: a string, or a list of parts of type text.
private func content(_ value: JSON, _ row: SourceRow, field: String) throws -> String {
  switch value {
  case .null: return ""
  case .string(let text): return text
  case .array(let parts):
    return try parts.enumerated().map { index, part -> String in
      let type = part["type"]?.string ?? part.kind
      guard type == "text", let text = (part["text"] ?? part["value"])?.string else {
        throw row.error(.unsupportedPart(field: "\(field)[\(index)]", type: type))
      }
      return text
    }.joined()
  default: throw row.error(.wrongColumnType(field, expected: "a string", found: value.kind))
  }
}

/// Tool calls with their arguments as objects.
///
/// Files hold `arguments` as an object or as a string of JSON; templates render objects, so a string is parsed first
/// (passed through, it would come out quoted and escaped).
func openAIToolCalls(_ value: JSON, _ row: SourceRow, field: String) throws -> JSON {
  guard let list = value.array else {
    throw row.error(.invalidToolCall(field: field, reason: "it is \(value.kind), not a list"))
  }
  let calls = try list.enumerated().map { index, item -> JSON in
    let function = item["function"] ?? item
    guard let name = function["name"]?.string else {
      throw row.error(.invalidToolCall(field: "\(field)[\(index)]", reason: "it has no `name`"))
    }
    var arguments = function["arguments"] ?? .object(JSONObject())
    if let text = arguments.string {
      do {
        arguments = try JSON(parsing: text.isEmpty ? "{}" : text, file: row.file)
      } catch {
        throw row.error(.invalidToolCall(field: "\(field)[\(index)].arguments", reason: "the text is not JSON"))
      }
    }
    return ["type": "function", "function": ["name": JSON(name), "arguments": arguments]]
  }
  return .array(calls)
}

/// Checks that a conversation can be learned from: an optional system message, then users and tools answered by the
/// assistant, the assistant last.
func checkOrder(_ messages: [ChatMessage], _ row: SourceRow, field: String, needsAnswer: Bool = true) throws {
  var previous = "system"
  for (index, message) in messages.enumerated() {
    let position = "\(field)[\(index)]"
    switch (message.role, previous) {
    case ("system", _) where index > 0:
      throw row.error(.rolesOutOfOrder(field: position, found: "system", expected: "a user or assistant message"))
    case ("assistant", "system"), ("tool", "system"):
      throw row.error(.rolesOutOfOrder(field: position, found: message.role, expected: "a user message"))
    case ("assistant", "assistant"):
      throw row.error(.rolesOutOfOrder(field: position, found: "assistant", expected: "a user message"))
    case ("user", "user"), ("tool", "user"):
      throw row.error(.rolesOutOfOrder(field: position, found: message.role, expected: "an assistant message"))
    default: previous = message.role
    }
  }
  if needsAnswer, previous != "assistant" { throw row.error(.noAnswer(field: field)) }
}
