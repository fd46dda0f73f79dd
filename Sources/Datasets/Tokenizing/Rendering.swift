import ChatTemplates
import Diagnostics
import PreciseJSON

/// Brings records through a chat template.
package struct RecordRenderer: Sendable {
  private let template: ChatTemplate
  /// What the template may call `bos_token`, `eos_token` and so on.
  private let specialTokens: [String: String]

  /// The day that templates which print a date are rendered for.
  ///
  /// A fixed one, since the same rows must give the same tokens tomorrow. It is the day that Llama 3.2's template falls back to.
  private static let day = TemplateClock(year: 2024, month: 7, day: 26)

  package init(template: ChatTemplate, specialTokens: [String: String]) {
    self.template = template
    self.specialTokens = specialTokens
  }

  /// The pieces of a record.
  ///
  /// A text is one trained piece; nothing is put around it.
  ///
  /// - Throws: The template's own error.
  package func render(_ record: Record) throws -> RenderedRecord {
    switch record {
    case .text(let text): return .sample([TextPiece(text: text, isTrained: true)])
    case .conversation(let conversation):
      return .sample(try trainedPieces(conversation.messages, tools: conversation.tools))
    case .preference(let pair):
      let chosen = try answer(pair.chosen, after: pair.prompt)
      let rejected = try answer(pair.rejected, after: pair.prompt)
      return .pair(prompt: chosen.prompt, chosen: chosen.answer, rejected: rejected.answer)
    }
  }

  private func trainedPieces(_ messages: [ChatMessage], tools: JSON?) throws -> [TextPiece] {
    try template.trainedPieces(
      template.fitting(messages, specialTokens: specialTokens), tools: tools, specialTokens: specialTokens,
      clock: { Self.day })
  }

  /// The prompt as one untrained piece, and the answer to it from the first trained piece to the last.
  private func answer(
    _ messages: [ChatMessage], after prompt: Conversation
  ) throws -> (prompt: [TextPiece], answer: [TextPiece]) {
    let asked = prompt.messages.map { message in
      var copy = message
      copy.isLearned = false
      return copy
    }
    let pieces = try trainedPieces(asked + messages, tools: prompt.tools)
    guard let first = pieces.firstIndex(where: \.isTrained), let last = pieces.lastIndex(where: \.isTrained) else {
      return (pieces, [])
    }
    let before = pieces[..<first].map(\.text).joined()
    return ([TextPiece(text: before, isTrained: false)], Array(pieces[first...last]))
  }
}
