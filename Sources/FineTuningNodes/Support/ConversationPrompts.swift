import ChatTemplates
import Pipeline
import Tokenization

/// Conversations as the tokens that a model goes on from: by the template that it was trained with, or else the
/// tokenizer's own.
struct ConversationPrompts {
  let tokenizer: Tokenizer
  /// Whether the template is another than the tokenizer's own.
  let isTrained: Bool
  /// Tokens that end an answer.
  let stops: Set<Int32>
  private let template: ChatTemplate
  private let day: TemplateClock

  /// - Parameter date: The day that templates print; that of the training unless given.
  /// - Throws: ``ChatTemplateChoiceError`` where there is no template, ``TemplateError``, `Diagnostic` for no day.
  init(_ model: ArtefactView, _ tokenizer: Tokenizer, date: String? = nil) throws {
    self.tokenizer = tokenizer
    let format = ConversationFormat(model.details)
    isTrained = format.map { $0.templates != tokenizer.chatTemplates.entries } ?? false
    template = try (format.map { try ChatTemplateSet($0) } ?? ChatTemplateSet(tokenizer)).template(hasTools: false)
    day = try TemplateClock(written: date ?? format?.date ?? ConversationFormat.defaultDate)
    stops = Set(tokenizer.endOfTurnIDs).union(format?.stops ?? [])
  }

  /// The tokens of messages and of the beginning of an answer.
  func ids(_ messages: [ChatMessage]) throws -> [Int32] {
    try tokenizer.encode(
      template.render(
        messages, addGenerationPrompt: true, specialTokens: tokenizer.templateTokens, clock: { day }
      ).text)
  }
}
