import Foundation
import LanguageModels
import PreciseJSON
import Tensors
import TestKit
import Testing

@Suite("Gemma 3 from its GGUF computes what llama.cpp and transformers compute")
struct Gemma3Tests {
  static let path = realAsset("models/gemma-3-270m-q4_k_m.gguf")

  @Test(.enabled(if: path != nil, "needs ANNEAL_ASSETS with models/gemma-3-270m-q4_k_m.gguf"))
  func perplexityAndGreedyTokens() throws {
    let source = try StoredGGUF(#require(Self.path))
    #expect(source.configuration.family.name == "gemma3")
    #expect(source.configuration.blocks.map(\.attention.window).filter { $0 == 512 }.count == 15)
    let model = try LanguageModel(
      source.configuration, weights: source, compute: Compute(threads: 2), longestSequence: 512)
    let numbers = try readJSON(fixture("LanguageModels/gemma3.json"))
    let ids = try #require(numbers["ids"]?.array).compactMap(\.int).map { Int32($0) }

    let tape = Tape(compute: model.compute, records: false)
    let rows = Array(0..<Int32(ids.count - 1))
    let scored = try tape.crossEntropy(
      model.hiddenStates(tape, ids: ids, layout: SequenceLayout(lengths: [ids.count]), rows: rows),
      head: model.head, targets: Array(ids.dropFirst()), weights: rows.map { _ in 1 })
    let loss = -scored.logProbabilities.reduce(0) { $0 + Double($1) } / Double(rows.count)
    print(
      "Gemma 3: loss \(loss), transformers \(numbers["loss"]?.text() ?? ""), llama.cpp \(numbers["llama_cpp"]?.text() ?? "")"
    )
    #expect(relativeError(loss, try #require(numbers["loss"]?.double)) < 2e-6)
    let perplexity = exp(try #require(numbers["llama_cpp"]?.double))
    #expect(relativeError(exp(loss), perplexity) < 1e-3)

    let prompt = try #require(numbers["prompt"]?.int)
    let expected = try #require(numbers["greedy"]?.array).compactMap(\.int).map { Int32($0) }
    let cache = model.keyValueCache(capacity: prompt + expected.count)
    var next = Array(ids.prefix(prompt))
    var found: [Int32] = []
    for _ in expected {
      let logits = try model.nextLogits(next, cache: cache).values
      let token = Int32(logits.firstIndex(of: logits.max() ?? 0) ?? 0)
      found.append(token)
      next = [token]
    }
    #expect(found == expected)
  }
}
