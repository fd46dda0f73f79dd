import ChatTemplates
import Decoding
import FineTuningNodes
import Generation
import Tokenization

/// A conversation with a model: what was said so far, rendered by the chat template for each answer.
///
/// The key-value cache keeps what the model has read, so that a turn costs its own tokens alone.
final class ChatConversation {
  private let template: ChatTemplate
  private let generator: TextGenerator
  private let sampling: SamplingSettings
  private let maximumTokens: Int
  private let stops: Set<Int32>
  private let present = Present()

  /// Today, and whether the template asked for it.
  private final class Present: @unchecked Sendable {
    let clock = TemplateClock.now()
    /// Set by the rendering, which is over before it is read.
    var isPrinted = false
  }

  /// The date that the template printed into the last prompt; nil when it printed none.
  var printedDate: String? { present.isPrinted ? present.clock.date : nil }
  private var messages: [ChatMessage]

  init(
    template: ChatTemplate, generator: TextGenerator, sampling: SamplingSettings, maximumTokens: Int,
    stops: Set<Int32>, system: String?
  ) {
    self.template = template
    self.generator = generator
    self.sampling = sampling
    self.maximumTokens = maximumTokens
    self.stops = stops
    messages = system.map { [ChatMessage(role: "system", content: $0)] } ?? []
  }

  /// Says something and gives the answer, its text piece by piece as it comes.
  ///
  /// - Throws: ``GenerationError`` when the conversation has become too long; it is then as it was before.
  func say(_ text: String, receive: (String) -> Void) throws -> TextGenerator.Answer {
    let asked = messages + [ChatMessage(role: "user", content: text)]
    let tokenizer = generator.tokenizer
    let prompt = try template.render(
      asked, addGenerationPrompt: true, specialTokens: tokenizer.templateTokens,
      clock: { [present] in
        present.isPrinted = true
        return present.clock
      }
    ).text
    let answer = try generator.answer(
      try tokenizer.encode(prompt), sampling: sampling, maximumTokens: maximumTokens, stops: stops
    ) { piece in
      receive(piece)
      return true
    }
    messages = asked + [ChatMessage(role: "assistant", content: answer.text)]
    return answer
  }
}
