import ChatTemplates
import PreciseJSON

extension LayoutRow {
  /// `messages` and `sharegpt`: a list of messages.
  func listedConversation() throws -> Conversation {
    let (field, value) = try column(.messages)
    var messages = try self.messages(value, field: field)
    try addSystem(to: &messages)
    try checkAnswer(of: messages, field: field)
    return Conversation(messages: messages, tools: try tools())
  }

  /// Alpaca: instruction and input are the user's message; `history` holds earlier pairs, which are learned as well.
  func alpacaConversation() throws -> Conversation {
    var messages = try history()
    messages.append(try alpacaPrompt())
    messages.append(ChatMessage(role: "assistant", content: try text(.output).text))
    try addSystem(to: &messages)
    return Conversation(messages: messages, tools: try tools())
  }

  /// A prompt and its completion, each a string or a list of messages.
  func promptCompletionConversation() throws -> Conversation {
    var messages = try self.messages(orText: .prompt, role: "user")
    messages += try self.messages(orText: .completion, role: "assistant")
    try addSystem(to: &messages)
    try checkAnswer(of: messages, field: try column(.completion).name)
    return Conversation(messages: messages, tools: try tools())
  }

  /// The user's message of an alpaca row: what is not empty of instruction and input, on lines of their own.
  func alpacaPrompt() throws -> ChatMessage {
    let parts = [try optionalText(.instruction), try optionalText(.input)].compactMap { $0 }
    guard !parts.isEmpty else { throw source.error(.emptyColumn(map.candidates(.instruction)[0])) }
    return ChatMessage(role: "user", content: parts.joined(separator: "\n"))
  }

  /// The messages of the column `history`: pairs of texts, as a list or as its JSON text.
  func history() throws -> [ChatMessage] {
    guard let (field, value) = try find(.history) else { return [] }
    if let text = value.string, text.allSatisfy(\.isWhitespace) { return [] }
    let history = try decoded(value, source, field: field, expected: "a list of pairs")
    guard let turns = history.array else {
      throw source.error(.wrongColumnType(field, expected: "a list of pairs", found: history.kind))
    }
    return try turns.enumerated().flatMap { index, turn in
      guard let pair = turn.array, pair.count == 2, let user = pair[0].string, let assistant = pair[1].string else {
        throw source.error(.wrongColumnType("\(field)[\(index)]", expected: "a pair of strings", found: turn.kind))
      }
      return [ChatMessage(role: "user", content: user), ChatMessage(role: "assistant", content: assistant)]
    }
  }
}
