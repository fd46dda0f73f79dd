import ChatTemplates
import Diagnostics
import PreciseJSON

/// A record after its template, with what became of it on the way.
package struct Rendering: Sendable {
  package var record: RenderedRecord
  /// How much of each part arrived, for each conversation of the record: one, or the two of a pair.
  package var arrivals: [[Arrival]] = []
  /// Whether end marks of answers stand only before the next question.
  package var marksBeforeNext = false
  /// What the last answer ends in when that is no end mark; nil for texts and prompts.
  package var openEnding: String?
}

/// Brings records through a chat template.
package struct RecordRenderer: Sendable {
  private let templates: ChatTemplateSet
  /// What the template may call `bos_token`, `eos_token` and so on.
  private let specialTokens: [String: String]
  /// The texts of the tokens that end an answer.
  private let endMarks: [String]
  /// The day that templates which print a date are rendered for.
  private let day: TemplateClock
  /// What parts of conversations count.
  private let weights: WeightRules
  /// What of conversations is learned.
  private let learned: Learned
  /// The system text of conversations that have none.
  private let system: String?

  /// What of a conversation is learned.
  package enum Learned: Sendable, Hashable {
    /// What the assistant says.
    case answers
    /// What it says last.
    case lastAnswer
    /// Every token, whoever says it.
    case everything
  }

  /// The day for which templates that print one are rendered where nothing else is said.
  ///
  /// A fixed one, since the same rows must give the same tokens tomorrow. It is the day that Llama 3.2's template falls
  /// back to.
  package static let defaultDay = TemplateClock(year: 2024, month: 7, day: 26)

  package init(
    templates: ChatTemplateSet, specialTokens: [String: String], endMarks: [String],
    day: TemplateClock = RecordRenderer.defaultDay, weights: WeightRules = WeightRules(), learned: Learned = .answers,
    system: String? = nil
  ) {
    self.weights = weights
    self.learned = learned
    self.system = system
    self.day = day
    self.templates = templates
    self.specialTokens = specialTokens
    self.endMarks = endMarks
  }

  /// The pieces of a record.
  ///
  /// A text is one trained piece; nothing is put around it.
  ///
  /// - Throws: The template's own error, ``ChatTemplateChoiceError``.
  package func render(_ record: Record) throws -> Rendering {
    switch record {
    case .text(let text): return Rendering(record: .sample([TextPiece(text: text, isTrained: true)]))
    case .conversation(let conversation):
      let asked = withSystem(conversation)
      var text = try trained(
        learned == .lastAnswer ? Self.lastAnswerLearned(asked.messages) : asked.messages, tools: asked.tools,
        weights: weights.parts)
      if learned == .everything { for index in text.pieces.indices { text.pieces[index].isTrained = true } }
      try weights.weigh(&text.pieces)
      return Rendering(
        record: .sample(text.pieces), arrivals: [text.arrivals], marksBeforeNext: text.marksBeforeNext,
        openEnding: openEnding(of: text.pieces))
    case .preference(let pair):
      let chosen = try trained(pair.chosen, after: pair.prompt)
      let rejected = try trained(pair.rejected, after: pair.prompt)
      let (prompt, answer) = Self.cut(chosen.pieces)
      return Rendering(
        record: .pair(
          prompt: prompt, chosen: answer, rejected: Self.cut(rejected.pieces).answer, margin: pair.margin),
        arrivals: [chosen.arrivals, rejected.arrivals],
        marksBeforeNext: chosen.marksBeforeNext || rejected.marksBeforeNext,
        openEnding: openEnding(of: chosen.pieces) ?? openEnding(of: rejected.pieces))
    case .judged(let judged):
      let text = try trained(judged.answer, after: judged.prompt)
      let (prompt, answer) = Self.cut(text.pieces)
      return Rendering(
        record: .judged(prompt: prompt, answer: answer, isWanted: judged.isWanted), arrivals: [text.arrivals],
        marksBeforeNext: text.marksBeforeNext, openEnding: openEnding(of: text.pieces))
    case .prompt(let prompt, let columns):
      return Rendering(
        record: .prompt([TextPiece(text: try asked(prompt), isTrained: false)], columns: columns),
        arrivals: [try trained([], after: prompt).arrivals])
    }
  }

  /// A conversation that begins with a system text where there is one for those that have none.
  private func withSystem(_ conversation: Conversation) -> Conversation {
    guard let system, let first = conversation.messages.first, first.role != "system", first.role != "developer" else {
      return conversation
    }
    var copy = conversation
    copy.messages.insert(ChatMessage(role: "system", content: system), at: 0)
    return copy
  }

  /// The messages, of which what the assistant says last is learned.
  private static func lastAnswerLearned(_ messages: [ChatMessage]) -> [ChatMessage] {
    let last = messages.lastIndex { $0.role == "assistant" }
    return messages.enumerated().map { index, message in
      var copy = message
      if index != last { copy.isLearned = false }
      return copy
    }
  }

  /// A prompt as the model is asked: with the start of the answer that a template writes.
  private func asked(_ prompt: Conversation) throws -> String {
    let prompt = withSystem(prompt)
    let template = try templates.template(hasTools: prompt.tools != nil)
    return try template.render(
      template.fitting(prompt.messages, specialTokens: specialTokens), tools: prompt.tools, addGenerationPrompt: true,
      specialTokens: specialTokens, clock: { [day] in day }
    ).text
  }

  private func trained(
    _ messages: [ChatMessage], tools: JSON?, weights: AnswerWeights = AnswerWeights()
  ) throws -> TrainedText {
    let template = try templates.template(hasTools: tools != nil)
    return try template.trained(
      template.fitting(messages, specialTokens: specialTokens), tools: tools, specialTokens: specialTokens,
      endMarks: endMarks, weights: weights, clock: { [day] in day })
  }

  /// The prompt, of which nothing is trained, and an answer to it.
  private func trained(_ answer: [ChatMessage], after prompt: Conversation) throws -> TrainedText {
    let prompt = withSystem(prompt)
    let asked = prompt.messages.map { message in
      var copy = message
      copy.isLearned = false
      return copy
    }
    return try trained(asked + answer, tools: prompt.tools)
  }

  /// The prompt as one untrained piece, and the answer to it from the first trained piece to the last.
  private static func cut(_ pieces: [TextPiece]) -> (prompt: [TextPiece], answer: [TextPiece]) {
    guard let first = pieces.firstIndex(where: \.isTrained), let last = pieces.lastIndex(where: \.isTrained) else {
      return (pieces, [])
    }
    let before = pieces[..<first].map(\.text).joined()
    return ([TextPiece(text: before, isTrained: false)], Array(pieces[first...last]))
  }

  /// The last characters of the last answer unless they are an end mark.
  private func openEnding(of pieces: [TextPiece]) -> String? {
    guard let last = pieces.last(where: \.isTrained) else { return nil }
    let end = Array(last.text.utf8.reversed().drop { $0 == 0x20 || (0x09...0x0D).contains($0) })
    if endMarks.contains(where: { end.starts(with: $0.utf8.reversed()) }) { return nil }
    return String(last.text.suffix(24)).replacing("\n", with: "\\n")
  }
}
