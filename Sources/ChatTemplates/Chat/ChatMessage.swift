import PreciseJSON

/// One message of a conversation, as a chat template sees it.
package struct ChatMessage: Sendable, Equatable {
  package var role: String
  /// A string, a list of parts such as `{"type": "text", "text": …}`, or null, as templates get it; nil leaves the member out.
  package var content: JSON?
  /// The calls an assistant message makes, in the form the template expects; nil leaves the member out.
  package var toolCalls: JSON?
  /// Further members, such as `name`, `tool_call_id` or `reasoning_content`.
  package var extra: JSONObject
  /// Whether an assistant's message is trained on; templates do not see this.
  package var isLearned = true
  /// What its characters count when they are learned, above 0; templates do not see this.
  package var weight = 1.0
  /// Stretches of its content that count more or less; templates do not see them.
  package var spans: [WeightedSpan] = []

  package init(role: String, content: JSON?, toolCalls: JSON? = nil, extra: JSONObject = JSONObject()) {
    self.role = role
    self.content = content
    self.toolCalls = toolCalls
    self.extra = extra
  }

  package init(role: String, content: String, toolCalls: JSON? = nil, extra: JSONObject = JSONObject()) {
    self.init(role: role, content: .string(content), toolCalls: toolCalls, extra: extra)
  }

  package static func == (a: ChatMessage, b: ChatMessage) -> Bool {
    a.role.hasSameBytes(as: b.role) && a.content == b.content && a.toolCalls == b.toolCalls
      && JSON.object(a.extra) == JSON.object(b.extra)
  }

  /// The message as an object with its own members.
  package var json: JSON {
    var members: [(key: String, value: JSON)] = [("role", .string(role))]
    if let content { members.append(("content", content)) }
    if let toolCalls { members.append(("tool_calls", toolCalls)) }
    return JSON(members + extra.members)
  }

  /// The names that a thought is passed under; templates read the first, those of gpt-oss the second.
  private static let thoughtNames = ["reasoning_content", "thinking", "reasoning"]

  /// The message as the object that templates see: a thought under any of its names is there under the first two, as in
  /// transformers 5.
  var seen: JSON {
    guard let thought = Self.thoughtNames.lazy.compactMap({ extra[$0] }).first(where: { !$0.isNull }) else {
      return json
    }
    var object = json.object ?? JSONObject()
    object["reasoning_content"] = thought
    return object["thinking"] == nil ? JSON([(key: "thinking", value: thought)] + object.members) : .object(object)
  }

  /// A message from an object with the member `role`; nil when it has none.
  package init?(json: JSON) {
    guard let object = json.object, let role = object["role"]?.string else { return nil }
    self.init(role: role, content: object["content"], toolCalls: object["tool_calls"])
    extra = JSONObject(object.members.filter { !["role", "content", "tool_calls"].contains($0.key) })
  }
}
