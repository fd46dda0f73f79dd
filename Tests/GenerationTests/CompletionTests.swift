import Decoding
import Glibc
import LanguageModels
import ModelFolders
import Tensors
import TestKit
import Testing

/// Many prompts that are completed together.
@Suite struct CompletionTests {
  private func model(threads: Int = 2) throws -> LanguageModel {
    try ModelFolder.open(fixture("ModelFolders/single")).languageModel(compute: Compute(threads: threads))
  }

  private let prompts: [[Int32]] = [[1, 2, 3], [40, 41], [7, 8, 9, 10, 11, 12, 13], [5]]

  @Test func theLikeliestTokensAreThoseOfOneSequence() throws {
    let model = try model()
    let sampler = CompletionSampler(model, temperature: 0, maximumTokens: 12, stops: [], slots: 4)
    let found = try sampler.complete(prompts, count: 2, key: RandomKey(seed: 1))
    let generator = TokenGenerator(model)
    for (prompt, completions) in zip(prompts, found) {
      var alone: [Int32] = []
      _ = try generator.generate(prompt, maximumTokens: 12) {
        alone.append($0)
        return true
      }
      #expect(completions.map(\.ids) == [alone, alone])
      #expect(completions.allSatisfy { $0.isTruncated })
    }
  }

  @Test func whatIsDrawnIsAFunctionOfTheKey() throws {
    func drawn(threads: Int = 2, slots: Int = 64, seed: UInt64 = 3) throws -> [[CompletionSampler.Completion]] {
      try CompletionSampler(model(threads: threads), maximumTokens: 10, stops: [4, 5], slots: slots)
        .complete(prompts, count: 3, key: RandomKey(seed: seed))
    }
    let first = try drawn()
    #expect(try drawn(threads: 1) == first)
    #expect(try drawn(seed: 4) != first)
    // Completions of one prompt have numbers of their own.
    #expect(first.allSatisfy { Set($0.map(\.ids)).count > 1 })
    for completion in first.flatMap({ $0 }) {
      let stops = completion.ids.filter { [4, 5].contains($0) }
      #expect(completion.isTruncated ? stops.isEmpty && completion.ids.count == 10 : stops == [completion.ids.last])
    }
  }

  @Test func tokensAreDrawnAsOftenAsTheyAreLikely() throws {
    let compute = try Compute(threads: 2)
    let scores: [Float] = [0, 1, 2, -30, 0.5]
    let count = 20_000
    var random = CounterRandom(seed: 9)
    let uniforms = (0..<count).map { _ in random.uniform() }
    for temperature in [Float(1), 0.5] {
      let logits = Tensor(shape: [count, 5], values: (0..<count).flatMap { _ in scores })
      let drawn = compute.draws(from: logits, temperature: temperature, uniforms: uniforms)
      let weights = scores.map { exp(Double($0 / temperature)) }
      for (column, weight) in weights.enumerated() {
        let share = Double(drawn.count { $0 == Int32(column) }) / Double(count)
        #expect(abs(share - weight / weights.reduce(0, +)) < 0.012, "\(column)")
      }
    }
    // The ends of the range.
    let logits = Tensor(shape: [2, 3], values: [0, 0, 0, 0, 0, -.infinity])
    #expect(compute.draws(from: logits, temperature: 1, uniforms: [0, 0.99999994]) == [0, 1])
  }

  @Test func aFullContextEndsACompletion() throws {
    let model = try model()
    let limit = model.configuration.maximumPositions
    let prompt = (0..<Int32(limit - 3)).map { $0 % 50 }
    let found = try CompletionSampler(model, maximumTokens: 10, stops: []).complete(
      [prompt], count: 2, key: RandomKey(seed: 1))
    #expect(found[0].map(\.ids.count) == [3, 3])
    #expect(throws: GenerationError.emptyPrompt) {
      try CompletionSampler(model, maximumTokens: 1, stops: []).complete([[]], count: 1, key: RandomKey(seed: 1))
    }
  }
}
