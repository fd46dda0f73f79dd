import Decoding
import Diagnostics
import Generation
import LanguageModels
import ModelFolders
import Tensors
import TestKit
import Testing
import Tokenization

@Suite("How an answer ends")
struct EndingTests {
  private let model: LanguageModel
  // The model answers it with 21, 220, 295, 156, …
  private let prompt: [Int32] = [1, 84, 104, 2]

  init() throws {
    model = try ModelFolder.open(fixture("ModelFolders/single")).languageModel(compute: Compute(threads: 1))
  }

  private func run(
    maximumTokens: Int, stops: Set<Int32> = [], prompt: [Int32]? = nil, limit: Int = .max
  ) throws -> ([Int32], TokenGenerator.Ending) {
    var ids: [Int32] = []
    let ending = try TokenGenerator(model).generate(prompt ?? self.prompt, maximumTokens: maximumTokens, stops: stops) {
      ids.append($0)
      return ids.count < limit
    }
    return (ids, ending)
  }

  @Test("by a stop token, by length, by the receiver, by the context")
  func endings() throws {
    #expect(try run(maximumTokens: 9, stops: [295]) == ([21, 220], .stop))
    #expect(try run(maximumTokens: 9, stops: [21]) == ([], .stop))
    #expect(try run(maximumTokens: 3) == ([21, 220, 295], .length))
    #expect(try run(maximumTokens: 0) == ([], .length))
    #expect(try run(maximumTokens: 9, limit: 2) == ([21, 220], .cancelled))
    let (ids, ending) = try run(maximumTokens: 1000)
    #expect(ending == .context)
    #expect(ids.count == 64 - prompt.count)
  }

  @Test("requests that cannot be met")
  func refusals() throws {
    #expect(throws: GenerationError.emptyPrompt) { try run(maximumTokens: 1, prompt: []) }
    let error = #expect(throws: GenerationError.self) {
      try run(maximumTokens: 1, prompt: [Int32](repeating: 5, count: 64))
    }
    #expect(
      error?.diagnostics.rendered() == """
        error: The prompt has 64 tokens
          why: the model reads at most 64, the answer included
          try: shorten the prompt
        """)
    #expect(throws: TensorError.self) { try run(maximumTokens: 1, prompt: [300]) }
    #expect(throws: TensorError.self) { try run(maximumTokens: 1, prompt: [-1]) }
  }

  @Test("a generator can be used again after a request failed")
  func afterFailure() throws {
    let generator = TokenGenerator(model)
    #expect(throws: TensorError.self) { try generator.generate([1, 84, 300], maximumTokens: 1) { _ in true } }
    var ids: [Int32] = []
    _ = try generator.generate(prompt, maximumTokens: 3) {
      ids.append($0)
      return true
    }
    #expect(ids == [21, 220, 295])
  }

  @Test("the pieces of text are the answer, and the answer is the decoded ids")
  func streaming() throws {
    let tokenizer = try Tokenizer.load(path: fixture("ModelFolders/single"))
    let generator = TextGenerator(model, tokenizer: tokenizer)
    var pieces: [String] = []
    let answer = try generator.answer(prompt, maximumTokens: 20, stops: []) {
      pieces.append($0)
      return true
    }
    #expect(answer.ids.count == 20)
    #expect(answer.promptTokens == 4)
    #expect(pieces.joined() == answer.text)
    #expect(try answer.text == tokenizer.decode(answer.ids, skipsSpecialTokens: true))
    #expect(!pieces.contains(""))
    #expect(answer.tokensPerSecond ?? 0 > 0)
    // Without other wishes the tokenizer's ends of turns stop.
    let stopped = try generator.answer([7], maximumTokens: 60)
    #expect(!stopped.ids.contains(2))
  }
}
