import ChatTemplates
import PreciseJSON

extension LayoutRow {
  /// What the label says: whether the answer is one to give.
  ///
  /// Nothing but a boolean is taken: a 1 may be the first of three classes or a rating.
  func judgement() throws -> Bool {
    let (name, value) = try column(.label)
    guard let isWanted = value.bool else { throw source.error(.noJudgement(column: name, found: value.kind)) }
    return isWanted
  }

  /// The same row, seen by the layout of its conversation.
  func ofConversation() throws -> LayoutRow {
    guard let found = RowFormat.ofConversation(source, columns: map) else {
      throw source.error(.nothingJudged(columns: source.columns.keys))
    }
    return LayoutRow(source: source, layout: Layout.of(found.format), map: map)
  }

  /// A conversation in one of the layouts, cut where its answer begins: a completion is one whole; of a list of messages
  /// it is what the assistant says last.
  func judgedAnswer(isWanted: Bool) throws -> JudgedAnswer {
    let conversation: Conversation
    let field: String
    var count = 1
    switch layout.format {
    case .alpaca: (conversation, field) = (try alpacaConversation(), try column(.output).name)
    case .promptCompletion:
      (conversation, field) = (try promptCompletionConversation(), try column(.completion).name)
      count = try messages(orText: .completion, role: "assistant").count
    default:
      (conversation, field) = (try listedConversation(), try column(.messages).name)
      count = conversation.messages.reversed().prefix { $0.role == "assistant" }.count
    }
    let prompt = Array(conversation.messages.dropLast(count))
    let answer = Array(conversation.messages.suffix(count))
    guard prompt.contains(where: { !$0.isSystem }) else { throw source.error(.answerWithoutPrompt(field: field)) }
    try checkPrompt(prompt, field: try find(.prompt)?.name ?? field)
    try checkAnswer(answer, field: field, isOfPair: false)
    return JudgedAnswer(
      prompt: Conversation(messages: prompt, tools: conversation.tools), answer: answer, isWanted: isWanted)
  }

  /// A prompt that is yet to be answered.
  func promptAlone() throws -> Conversation {
    var prompt = try messages(orText: .prompt, role: "user")
    try addSystem(to: &prompt)
    try checkPrompt(prompt, field: try column(.prompt).name)
    return Conversation(messages: prompt, tools: try tools())
  }

  /// Checks that a prompt leaves the word to the assistant.
  func checkPrompt(_ prompt: [ChatMessage], field: String) throws {
    if prompt.last?.role == "assistant" {
      throw source.error(.rolesOutOfOrder(field: field, found: "assistant", expected: "a user message last"))
    }
  }

  /// Checks that an answer is the assistant's, says something, and is learned whole and evenly.
  func checkAnswer(_ answer: [ChatMessage], field: String, isOfPair: Bool) throws {
    guard answer.first?.role == "assistant" else {
      throw source.error(
        .rolesOutOfOrder(field: field, found: answer.first?.role ?? "nothing", expected: "an assistant message"))
    }
    try checkAnswer(of: answer, field: field)
    if answer.contains(where: { $0.role == "assistant" && !$0.isLearned }) {
      throw source.error(.unlearnedAnswer(field: field, isOfPair: isOfPair))
    }
    if answer.contains(where: { $0.weight != 1 || !$0.spans.isEmpty }) {
      throw source.error(.weightedAnswer(field: field, isOfPair: isOfPair))
    }
    if answer.contains(where: { $0.role == "assistant" && $0.saysNothing }) { throw source.error(.emptyColumn(field)) }
  }
}
