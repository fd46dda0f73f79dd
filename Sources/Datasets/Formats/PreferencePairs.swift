import ChatTemplates
import PreciseJSON

extension LayoutRow {
  /// A prompt in any layout, and `chosen` and `rejected`: texts, single messages, or lists of messages, which may repeat
  /// the prompt, as most published sets do.
  func preferencePair() throws -> Preference {
    var (prompt, promptField) = try statedPrompt()
    var chosen = try answer(.chosen)
    var rejected = try answer(.rejected)
    if chosen.messages == rejected.messages { throw source.error(.equalAnswers) }
    if chosen.startsConversation || rejected.startsConversation || prompt.isEmpty {
      let shared = zip(chosen.messages, rejected.messages).prefix { $0 == $1 }.map(\.0)
      for (answer, other) in [(chosen, rejected), (rejected, chosen)] where answer.startsConversation {
        guard answer.messages.count > shared.count, answer.messages[shared.count].role == "assistant" else {
          throw source.error(
            .promptsDiffer("\(answer.field)[\(shared.count)]", "\(other.field)[\(shared.count)]"))
        }
      }
      if shared.isEmpty { throw source.error(.pairWithoutPrompt) }
      try check(prompt, promptField, isIn: shared, of: chosen.field)
      prompt = shared
      promptField = chosen.field
      chosen.messages.removeFirst(shared.count)
      rejected.messages.removeFirst(shared.count)
    }
    try addSystem(to: &prompt)
    try checkPrompt(prompt, field: promptField)
    for answer in [chosen, rejected] { try checkAnswer(answer.messages, field: answer.field, isOfPair: true) }
    let pair = Preference(
      prompt: Conversation(messages: prompt, tools: try tools()), chosen: chosen.messages, rejected: rejected.messages,
      margin: try margin())
    try checkRepetition(of: pair)
    return pair
  }

  /// By how much the first answer is preferred.
  private func margin() throws -> Double {
    guard let (name, value) = try find(.margin) else { return 0 }
    guard case .number(let number) = value else {
      throw source.error(.wrongColumnType(name, expected: "a number", found: value.kind))
    }
    guard Float(number.double).isFinite else { throw source.error(.numberOutOfRange(number.text, column: name)) }
    return number.double
  }

  /// Checks that a list of messages beside the pair that ends in an answer is the chosen conversation, as in UltraFeedback.
  private func checkRepetition(of pair: Preference) throws {
    guard let (field, value) = try find(.messages), value.array?.isEmpty == false else { return }
    let messages = try self.messages(value, field: field)
    let whole = pair.prompt.messages + pair.chosen
    guard messages.last?.role == "assistant", messages.map(\.text) != whole.suffix(messages.count).map(\.text) else {
      return
    }
    throw source.error(.differsFromPair(field: field))
  }

  /// The prompt that a column of its own holds, and that column; no messages when none does.
  private func statedPrompt() throws -> (messages: [ChatMessage], field: String) {
    var prompts: [(messages: [ChatMessage], field: String)] = []
    // A list that ends in an answer repeats the pair, see ``checkRepetition(of:)``.
    if let (field, value) = try find(.messages), value.array?.isEmpty == false {
      let messages = try self.messages(value, field: field)
      if messages.last?.role != "assistant" { prompts.append((messages, field)) }
    }
    if let (field, value) = try find(.prompt), value.string?.isEmpty != true {
      prompts.append((try messages(orText: .prompt, role: "user"), field))
    }
    if try optionalText(.instruction) != nil || optionalText(.input) != nil {
      prompts.append((try history() + [try alpacaPrompt()], try find(.instruction)?.name ?? Column.input.rawValue))
    }
    guard let first = prompts.first else { return ([], map.candidates(.prompt)[0]) }
    for other in prompts.dropFirst() where other.messages.last?.text != first.messages.last?.text {
      throw source.error(.ambiguousColumn("prompt", names: [first.field, other.field]))
    }
    return first
  }

  /// Checks that a prompt of a column of its own is what the two conversations begin with.
  private func check(
    _ prompt: [ChatMessage], _ field: String, isIn shared: [ChatMessage], of conversation: String
  ) throws {
    guard let last = prompt.last else { return }
    // Sets of several turns give the first question as the prompt.
    let isThere = shared.contains { message in
      message.role == "user" && message.text.trimmed == last.text.trimmed
    }
    if !isThere { throw source.error(.promptsDiffer(field, conversation)) }
  }

  /// What a column of a pair holds.
  private struct Answer {
    var field: String
    var messages: [ChatMessage]

    /// Whether it is a whole conversation, prompt and all.
    var startsConversation: Bool { messages.count > 1 && messages.first?.role != "assistant" }
  }

  private func answer(_ column: Column) throws -> Answer {
    let (field, value) = try self.column(column)
    if let text = value.string, let dialogue = dialogue(text) { return Answer(field: field, messages: dialogue) }
    let messages = try self.messages(orText: column, role: "assistant")
    if messages.allSatisfy(\.saysNothing) { throw source.error(.emptyColumn(field)) }
    return Answer(field: field, messages: messages)
  }

  /// The turns of a conversation that is written as one text, as in Anthropic's sets; nil for any other text.
  private func dialogue(_ text: String) -> [ChatMessage]? {
    let (user, assistant) = ("\n\nHuman:", "\n\nAssistant:")
    guard text.hasPrefix(user), text.contains(assistant) else { return nil }
    var messages: [ChatMessage] = []
    for turns in text.split(separator: user) {
      for (index, turn) in turns.split(separator: assistant, omittingEmptySubsequences: false).enumerated() {
        messages.append(ChatMessage(role: index == 0 ? "user" : "assistant", content: String(turn).trimmed))
      }
    }
    return messages
  }
}

extension String {
  /// The text without white space around it.
  fileprivate var trimmed: String {
    let head = drop(while: \.isWhitespace)
    return String(head.reversed().drop(while: \.isWhitespace).reversed())
  }
}
