import ChatTemplates
import Diagnostics
import PreciseJSON

extension LayoutRow {
  /// The messages of a list, each written as `role` and `content` or as ShareGPT's `from` and `value`.
  func messages(_ value: JSON, field: String) throws -> [ChatMessage] {
    guard let list = value.array else {
      throw source.error(.wrongColumnType(field, expected: "a list of messages", found: value.kind))
    }
    guard !list.isEmpty else { throw source.error(.emptyColumn(field)) }
    return try list.enumerated().map { index, item in try message(item, field: "\(field)[\(index)]") }
  }

  /// A column that is one message's text, or a list of messages.
  func messages(orText column: Column, role: String) throws -> [ChatMessage] {
    let (name, value) = try self.column(column)
    if value.array != nil { return try messages(value, field: name) }
    if value.object != nil { return [try message(value, field: name)] }
    return [ChatMessage(role: role, content: try text(column).text)]
  }

  /// One message.
  func message(_ item: JSON, field: String) throws -> ChatMessage {
    guard let object = item.object else {
      throw source.error(.wrongColumnType(field, expected: "a message", found: item.kind))
    }
    let isShareGPT = object["role"] == nil && object["from"] != nil
    var message = try isShareGPT ? sharegptMessage(object, field: field) : openAIMessage(object, field: field)
    let says = try LearningMark.read(object, source, field: field)
    if let says, says > 0, message.role != "assistant" {
      throw source.error(.learnedByMark(role: message.role, field: field))
    }
    message.isLearned = says != 0
    if message.role == "assistant", message.isLearned {
      message.weight = says ?? 1
      message.spans = try LearningMark.spans(object, of: message.content, source, field: field)
    }
    let known = (isShareGPT ? MessageMembers.sharegpt : MessageMembers.openAI) + LearningMark.names
    message.extra = JSONObject(object.members.filter { !known.contains($0.key) })
    try checkThoughts(of: message, field: field)
    if message.role == "assistant", message.saysNothing {
      throw source.error(.emptyColumn("\(field).\(isShareGPT ? "value" : "content")"))
    }
    return message
  }

  /// Checks that what the assistant thinks is not written in two ways: a template would write one of them.
  private func checkThoughts(of message: ChatMessage, field: String) throws {
    let said = ChatMessage.thoughtMembers.compactMap { name in
      message.extra[name].flatMap { $0.string != nil && !$0.isBlank ? (name: name, value: $0) : nil }
    }
    guard let first = said.first, let other = said.first(where: { $0.value != first.value }) else { return }
    throw source.error(.thoughtsDisagree(first.name, other.name, field: field))
  }

  private func openAIMessage(_ object: JSONObject, field: String) throws -> ChatMessage {
    guard let given = object["role"]?.string else {
      throw source.error(
        .wrongColumnType("\(field).role", expected: "a role", found: object["role"]?.kind ?? "nothing"))
    }
    guard let role = openAIRoles[given] else {
      throw source.error(
        .unknownRole(
          given, field: "\(field).role", known: openAIRoleNames, nearest: nearestName(to: given, among: openAIRoleNames)
        ))
    }
    var calls: JSON?
    if let list = object["tool_calls"], !list.isNull {
      calls = try toolCalls(list, source, field: "\(field).tool_calls")
    }
    if let call = object["function_call"], !call.isNull {
      guard calls == nil else {
        throw source.error(
          .invalidToolCall(field: "\(field).function_call", reason: "`tool_calls` is there as well"))
      }
      calls = try toolCalls([call], source, field: "\(field).function_call")
    }
    return ChatMessage(
      role: role, content: try object["content"].map { try content($0, field: "\(field).content") }, toolCalls: calls)
  }

  private func sharegptMessage(_ object: JSONObject, field: String) throws -> ChatMessage {
    guard let from = object["from"]?.string else {
      throw source.error(
        .wrongColumnType("\(field).from", expected: "a role", found: object["from"]?.kind ?? "nothing"))
    }
    guard let role = sharegptRoles[from] else {
      let known = sharegptRoles.keys.sorted()
      throw source.error(
        .unknownRole(from, field: "\(field).from", known: known, nearest: nearestName(to: from, among: known)))
    }
    guard let text = object["value"]?.string else {
      throw source.error(
        .wrongColumnType("\(field).value", expected: "a string", found: object["value"]?.kind ?? "nothing"))
    }
    if from == "function_call" {
      let turn = try functionTurn(text, source, field: "\(field).value")
      return ChatMessage(role: role, content: turn.content, toolCalls: turn.calls)
    }
    return ChatMessage(role: role, content: text)
  }

  /// A message's content as it is: a string, null, or a list of parts of text or thoughts.
  private func content(_ value: JSON, field: String) throws -> JSON {
    switch value {
    case .null, .string: return value
    case .array(let parts):
      return .array(try parts.enumerated().map { index, part in try self.part(part, field: "\(field)[\(index)]") })
    default: throw source.error(.wrongColumnType(field, expected: "a string", found: value.kind))
    }
  }

  private func part(_ part: JSON, field: String) throws -> JSON {
    if part.string != nil { return ["type": "text", "text": part] }
    let type = part["type"]?.string ?? part.kind
    switch type {
    case "thinking", "reasoning": return part
    case "text", "input_text", "output_text":
      if type == "text", part["text"]?.string != nil { return part }
      // LLaMA-Factory's second version says `value`.
      guard let text = part["text"] ?? part["value"], text.string != nil else { break }
      return ["type": "text", "text": text]
    default: break
    }
    throw source.error(.unsupportedPart(field: field, type: type))
  }
}

private let openAIRoleNames = ["system", "developer", "user", "assistant", "tool", "function"]

/// The roles of OpenAI's layout, and what they are here: `function` is its older name for the tool's.
///
/// `developer` is its newer name for the system's; templates that know it tell the two apart, so it stays.
private let openAIRoles = [
  "system": "system", "developer": "developer", "user": "user", "assistant": "assistant", "tool": "tool",
  "function": "tool",
]

/// The roles that ShareGPT's `from` takes, and what they are here.
private let sharegptRoles = [
  "system": "system", "human": "user", "user": "user", "gpt": "assistant", "assistant": "assistant",
  "function_call": "assistant", "observation": "tool", "tool": "tool",
]

extension ChatMessage {
  /// Whether it says what holds for the whole conversation, under one name or the other.
  var isSystem: Bool { role == "system" || role == "developer" }

  /// The members that hold what the assistant thinks, each under the name that some templates ask for.
  fileprivate static let thoughtMembers = ["reasoning_content", "thinking", "reasoning"]

  /// Whether there is neither content nor a call nor a thought in it.
  var saysNothing: Bool {
    let thoughts = Self.thoughtMembers.compactMap { extra[$0] }
    return toolCalls?.array?.isEmpty != false && ([content ?? .null] + thoughts).allSatisfy(\.isBlank)
  }

  /// The text of its content, parts joined.
  var text: String {
    switch content ?? .null {
    case .string(let text): text
    case .array(let parts): parts.compactMap { $0["text"]?.string }.joined()
    default: ""
    }
  }
}

extension JSON {
  /// Whether no text that one could see is anywhere in the value; the types of parts do not count.
  fileprivate var isBlank: Bool {
    switch self {
    case .string(let text): text.utf8.allSatisfy { $0 == 0x20 || (0x09...0x0D).contains($0) }
    case .array(let elements): elements.allSatisfy(\.isBlank)
    case .object(let object): object.members.filter { $0.key != "type" }.allSatisfy(\.value.isBlank)
    default: true
    }
  }
}

extension LayoutRow {
  /// Puts the text of the column `system` first; a conversation that has a system message already has to agree.
  func addSystem(to messages: inout [ChatMessage]) throws {
    guard let (name, _) = try find(.system), let text = try optionalText(.system) else { return }
    guard let first = messages.first, first.isSystem else {
      messages.insert(ChatMessage(role: "system", content: text), at: 0)
      return
    }
    guard first.text.hasSameBytes(as: text) || first.text.isEmpty else {
      throw source.error(.twoSystemTexts(column: name))
    }
    if first.text.isEmpty { messages[0].content = .string(text) }
  }

  /// Checks that a conversation ends in something to learn.
  ///
  /// Which roles may follow which is for the template to say.
  func checkAnswer(of messages: [ChatMessage], field: String) throws {
    if messages.last?.role != "assistant" { throw source.error(.noAnswer(field: field)) }
  }
}
