import ChatTemplates
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
  private var messages: [ChatMessage]

  init(
    template: ChatTemplate, generator: TextGenerator, sampling: SamplingSettings, maximumTokens: Int, system: String?
  ) {
    self.template = template
    self.generator = generator
    self.sampling = sampling
    self.maximumTokens = maximumTokens
    messages = system.map { [ChatMessage(role: "system", content: $0)] } ?? []
  }

  /// Says something and gives the answer, its text piece by piece as it comes.
  ///
  /// - Throws: ``GenerationError`` when the conversation has become too long; it is then as it was before.
  func say(_ text: String, receive: (String) -> Void) throws -> TextGenerator.Answer {
    let asked = messages + [ChatMessage(role: "user", content: text)]
    let tokenizer = generator.tokenizer
    let prompt = try template.render(asked, addGenerationPrompt: true, specialTokens: tokenizer.templateTokens).text
    let answer = try generator.answer(
      try tokenizer.encode(prompt), sampling: sampling, maximumTokens: maximumTokens
    ) { piece in
      receive(piece)
      return true
    }
    messages = asked + [ChatMessage(role: "assistant", content: answer.text)]
    return answer
  }
}
