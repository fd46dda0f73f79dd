import Decoding
import Generation
import LanguageModels
import ModelFolders
import PreciseJSON
import Tensors
import TestKit
import Testing
import Tokenization

/// Continuations that transformers made; see `scripts/reference/model_folders.py` and `greedy.py`.
@Suite("Greedy decoding")
struct GreedyTests {
  struct Row {
    var prompt: [Int32]
    var ids: [Int32]

    static func rows(_ json: JSON?) -> [Row] {
      func ids(_ json: JSON?) -> [Int32] { json?.array?.compactMap(\.int).map { Int32($0) } ?? [] }
      return json?.array?.map { Row(prompt: ids($0["prompt"]), ids: ids($0["ids"])) } ?? []
    }
  }

  private func continuation(_ generator: TokenGenerator, _ prompt: [Int32], _ count: Int) throws -> [Int32] {
    var ids: [Int32] = []
    let ending = try generator.generate(prompt, maximumTokens: count) {
      ids.append($0)
      return true
    }
    #expect(ending == .length)
    return ids
  }

  @Test("ids are transformers'", arguments: ["single", "sharded", "adapter", "rslora"])
  func ids(name: String) throws {
    let isAdapter = name == "adapter" || name == "rslora"
    let folder = try ModelFolder.open(fixture("ModelFolders/" + (isAdapter ? "single" : name)))
    let model = try folder.languageModel(compute: Compute(threads: 2))
    if isAdapter { try AdapterFolder(path: fixture("ModelFolders/" + name)).attach(to: model) }
    let rows = Row.rows(try readJSON(fixture("ModelFolders/expected.json"))[name]?["greedy"])
    #expect(rows.count == 3)
    // One generator for all prompts: what they do not share must be forgotten.
    let generator = TokenGenerator(model)
    for row in rows { #expect(try continuation(generator, row.prompt, row.ids.count) == row.ids) }
  }

  @Test("logits by the cache are those of whole passes, token by token and in blocks")
  func cache() throws {
    let model = try ModelFolder.open(fixture("ModelFolders/single")).languageModel(compute: Compute(threads: 1))
    let ids: [Int32] = (0..<40).map { ($0 * 37 + 11) % 300 }
    for blocks in [[40], [1, 39], [17, 1, 1, 21], Array(repeating: 1, count: 40)] {
      let cache = model.keyValueCache(capacity: 40)
      var start = 0
      for block in blocks {
        let logits = try model.nextLogits(Array(ids[start..<start + block]), cache: cache)
        start += block
        let whole = try model.logits(
          ids: Array(ids[..<start]), layout: SequenceLayout(lengths: [start]), rows: [Int32(start - 1)])
        #expect(largestDifference(logits.values, whole.values) < 2e-5)
      }
      #expect(cache.count == 40)
    }
  }

  @Test("a prompt that goes on from the last one gives what a new generator gives")
  func sharedPrefix() throws {
    let model = try ModelFolder.open(fixture("ModelFolders/single")).languageModel(compute: Compute(threads: 1))
    let generator = TokenGenerator(model)
    let first: [Int32] = [1, 84, 104, 2]
    let answer = try continuation(generator, first, 6)
    for prompt in [first + answer + [5, 6], first, [1, 84], [9]] {
      #expect(try continuation(generator, prompt, 8) == continuation(TokenGenerator(model), prompt, 8))
    }
  }

  @Test(
    "SmolLM2 continues as with transformers",
    .enabled(if: realAsset("models/SmolLM2-135M-Instruct.Q4_1.gguf") != nil, "ANNEAL_ASSETS names no folder with it"))
  func smolLM2() throws {
    let path = try #require(realAsset("models/SmolLM2-135M-Instruct.Q4_1.gguf"))
    let folder = try ModelFolder.open(path)
    let generator = TextGenerator(
      try folder.languageModel(compute: Compute(threads: 2)), tokenizer: try Tokenizer.load(path: path))
    for row in Row.rows(try readJSON(fixture("Generation/smollm2.json"))) {
      let answer = try generator.answer(row.prompt, maximumTokens: row.ids.count, stops: [])
      #expect(answer.ids == row.ids)
      print("SmolLM2: \(answer.tokensPerSecond ?? 0) tokens a second")
    }
  }
}
