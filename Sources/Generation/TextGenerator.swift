import Decoding
import LanguageModels
import Tokenization

/// Answers prompts with text that comes piece by piece.
package final class TextGenerator {
  /// An answer, and how fast it came.
  package struct Answer: Sendable {
    package var text: String
    /// The tokens of the text, without the one that ended it.
    package var ids: [Int32]
    package var ending: TokenGenerator.Ending
    package var promptTokens: Int
    /// From the request to the first token: reading the prompt.
    package var secondsToFirstToken: Double
    package var seconds: Double

    /// Tokens made after the first, a second; nil where there are none.
    package var tokensPerSecond: Double? {
      ids.count > 1 && seconds > secondsToFirstToken
        ? Double(ids.count - 1) / (seconds - secondsToFirstToken) : nil
    }
  }

  package let tokenizer: Tokenizer
  private let generator: TokenGenerator

  package init(_ model: LanguageModel, tokenizer: Tokenizer) {
    self.tokenizer = tokenizer
    generator = TokenGenerator(model)
  }

  /// Answers a prompt of tokens (a rendered conversation, as a rule).
  ///
  /// - Parameters:
  ///   - stops: Tokens that end the answer; the tokenizer's end-of-turn tokens where nil.
  ///   - receive: Gets each piece of text, whole characters only, and returns whether to go on.
  package func answer(
    _ prompt: [Int32], sampling: SamplingSettings = .greedy, maximumTokens: Int, stops: Set<Int32>? = nil,
    receive: (String) throws -> Bool = { _ in true }
  ) throws -> Answer {
    var decoder = StreamingDecoder(tokenizer, skipsSpecialTokens: true)
    var answer = Answer(
      text: "", ids: [], ending: .length, promptTokens: prompt.count, secondsToFirstToken: 0, seconds: 0)
    let clock = ContinuousClock()
    let start = clock.now
    func take(_ piece: String) throws -> Bool {
      answer.text += piece
      return try piece.isEmpty || receive(piece)
    }
    answer.ending = try generator.generate(
      prompt, sampling: sampling, maximumTokens: maximumTokens, stops: stops ?? Set(tokenizer.endOfTurnIDs)
    ) { id in
      if answer.ids.isEmpty { answer.secondsToFirstToken = start.duration(to: clock.now) / .seconds(1) }
      answer.ids.append(id)
      return try take(try decoder.push(id))
    }
    if answer.ending != .cancelled { _ = try take(try decoder.finish()) }
    answer.seconds = start.duration(to: clock.now) / .seconds(1)
    return answer
  }
}
