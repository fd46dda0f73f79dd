import PreciseJSON

extension ChatTemplate {
  /// The messages as the template takes them: parts of text joined, and thoughts among them as a member of their own,
  /// unless it goes through lists of parts.
  ///
  /// Cost: two renderings of a word when there are parts, nothing otherwise.
  package func fitting(_ messages: [ChatMessage], specialTokens: [String: String]) -> [ChatMessage] {
    guard messages.contains(where: { $0.content?.array != nil }), !takesParts(specialTokens) else { return messages }
    return messages.map(\.withoutParts)
  }

  /// Whether a question in parts is rendered as the same question in a string.
  private func takesParts(_ specialTokens: [String: String]) -> Bool {
    func rendered(_ content: JSON) -> String? {
      try? render([ChatMessage(role: "user", content: content)], specialTokens: specialTokens).text
    }
    guard let inParts = rendered([["type": "text", "text": "word"]]) else { return false }
    // Some templates take nothing but parts.
    return rendered("word").map { $0 == inParts } ?? (inParts.contains("word") && !inParts.contains("'type'"))
  }
}

extension ChatMessage {
  /// The message with its content as a string.
  fileprivate var withoutParts: ChatMessage {
    guard let parts = content?.array else { return self }
    var copy = self
    copy.content = .string(parts.compactMap { $0["text"]?.string }.joined())
    let thoughts = parts.filter { ["thinking", "reasoning"].contains($0["type"]?.string) }.map(\.thought)
    if !thoughts.isEmpty, extra["reasoning_content"] == nil {
      copy.content = .string(parts.filter { $0["type"] == "text" }.compactMap { $0["text"]?.string }.joined())
      copy.extra["reasoning_content"] = .string(thoughts.joined())
    }
    return copy
  }
}

extension JSON {
  /// The text of a part that is a thought, which Mistral's templates want as a list of parts of text.
  fileprivate var thought: String {
    let value = self["thinking"] ?? self["reasoning"] ?? self["text"] ?? self["value"] ?? .null
    return value.string ?? (value.array ?? []).compactMap { $0["text"]?.string }.joined()
  }
}
