import LanguageModels
import Tensors
import TestKit
import Testing

/// Learned tokens before every text: in batches, behind shared prefixes, in caches, whatever positions are.
///
/// What stands before a text is compared with the same text behind tokens of the vocabulary whose embeddings they are.
@Suite("Virtual tokens")
struct VirtualTokenTests {
  /// Families with rotary positions, learned ones, linear biases, windows, latent attention, long texts of their own.
  static let names = [
    "llama", "gemma3", "gpt2", "bloom", "mistral", "phi3-longrope", "deepseek_v2", "opt", "gpt_oss", "qwen3_moe",
  ].filter(Set(FamilyFixture.names).contains)

  private static let tokens: [Int32] = [7, 3, 11]

  /// A model with three learned tokens that are rows of its embedding, scaled as those are.
  private func models(_ name: String) throws -> (plain: LanguageModel, prompted: LanguageModel) {
    let fixture = try FamilyFixture(name)
    let plain = try fixture.model()
    let adapter = AdapterConfiguration(
      AdapterSelection(.allLinear), PromptTuning(virtualTokens: Self.tokens.count))
    let prompted = try fixture.model()
    try prompted.attach(adapter, seed: 1)
    let configuration = try fixture.configuration()
    let table = try FormulaWeights(fixture.values).tensor(
      named: configuration.name(of: .embedding), shape: [configuration.vocabularySize, configuration.hiddenSize])
    let rows = try #require(prompted.adapterParameters.first).value
    for (index, token) in Self.tokens.enumerated() {
      for column in 0..<table.columns {
        rows.pointer[index * table.columns + column] =
          table.pointer[Int(token) * table.columns + column] * configuration.embedding.scale
      }
    }
    return (plain, prompted)
  }

  private func text(_ length: Int, _ seed: Int) -> [Int32] { (0..<length).map { Int32(($0 * 7 + seed * 5) % 36) } }

  @Test func thereAreFamiliesOfEachKind() { #expect(Self.names.count >= 8, "\(Self.names)") }

  @Test(arguments: names) func packedTextsAreThoseBehindTheTokens(name: String) throws {
    let (plain, prompted) = try models(name)
    let texts = [text(9, 1), text(30, 2), text(1, 3)]
    let ids = texts.flatMap { $0 }
    let found = try prompted.logits(
      ids: ids, layout: SequenceLayout(lengths: texts.map(\.count)), rows: (0..<Int32(ids.count)).map { $0 })
    var row = 0
    for text in texts {
      let whole = Self.tokens + text
      let expected = try plain.logits(
        ids: whole, layout: SequenceLayout(lengths: [whole.count]),
        rows: text.indices.map { Int32($0 + Self.tokens.count) })
      let own = Array(found.values[row * found.columns..<(row + text.count) * found.columns])
      #expect(largestDifference(own, expected.values) < 2e-5)
      row += text.count
    }
  }

  @Test(arguments: names) func cachesHoldThem(name: String) throws {
    let (plain, prompted) = try models(name)
    let ids = text(30, 4)
    for blocks in [[30], [1, 29], [12, 1, 1, 16]] {
      let (cache, other) = (
        prompted.keyValueCache(capacity: 30, slots: 2), plain.keyValueCache(capacity: 33, slots: 2)
      )
      var start = 0
      for block in blocks {
        let next = Array(ids[start..<start + block])
        let found = try prompted.nextLogits(next, cache: cache, slots: [1], textLength: 30)
        let expected = try plain.nextLogits(
          start == 0 ? Self.tokens + next : next, cache: other, slots: [1], textLength: 33)
        #expect(largestDifference(found.values, expected.values) < 2e-5)
        start += block
      }
      // The text is cut back to its first tokens, and begun anew.
      cache.truncate(to: 10, slot: 1)
      other.truncate(to: 13, slot: 1)
      let found = try prompted.nextLogits([5], cache: cache, slots: [1], textLength: 30)
      let expected = try plain.nextLogits([5], cache: other, slots: [1], textLength: 33)
      #expect(largestDifference(found.values, expected.values) < 2e-5)
      cache.truncate(to: 0, slot: 1)
      other.truncate(to: 0, slot: 1)
      cache.copy(1, to: [0])
      let again = try prompted.nextLogits([5, 6], cache: cache, slots: [0])
      #expect(
        largestDifference(again.values, try plain.nextLogits(Self.tokens + [5, 6], cache: other, slots: [0]).values)
          < 2e-5)
    }
  }

  /// Loss and gradient of texts that share what they begin with are those of texts that stand alone.
  @Test func sharedPrefixesStandBehindThem() throws {
    let (_, prompted) = try models("llama")
    let common = text(20, 1)
    let texts = (0..<3).map { index in
      let ids = common + text(8 + index, index + 2)
      return LabelledSequence(ids: ids, lossMask: ids.indices.map { $0 >= 22 })
    }
    func gradient(_ batches: [[LabelledSequence]]) throws -> (loss: Double, values: [Float]) {
      let parameter = try #require(prompted.adapterParameters.first)
      parameter.clearGradient()
      var loss = 0.0
      for batch in batches {
        let packed = PackedBatch(batch)
        let tape = Tape(compute: prompted.compute, records: true)
        let scored = try tape.crossEntropy(
          prompted.hiddenStates(tape, packed), head: prompted.head, targets: packed.targets,
          weights: packed.weights)
        tape.backward(from: scored.loss)
        loss += Double(scored.loss.value.values[0])
      }
      return (loss, try #require(parameter.gradient).values)
    }
    let (together, alone) = (try gradient([texts]), try gradient(texts.map { [$0] }))
    #expect(relativeError(together.loss, alone.loss) < 1e-6)
    #expect(largestDifference(together.values, alone.values) < 1e-4)
    #expect(together.values.contains { abs($0) > 1e-3 })
  }

  @Test func embeddingsThatAreScaledTogetherAreRefused() throws {
    let adapter = AdapterConfiguration(AdapterSelection(.allLinear), PromptTuning(virtualTokens: 3))
    #expect(throws: AdapterError.scaledEmbedding(family: "granite")) {
      try FamilyFixture("granite").configuration().validate(adapter)
    }
    var biased = adapter
    biased.base = BaseTraining(biases: .all)
    #expect(throws: AdapterError.noBaseBesidePrompt("prompt_tuning")) {
      try FamilyFixture("llama").configuration().validate(biased)
    }
  }

  @Test func numbersBehindTheVocabularyAreNoTokens() throws {
    let (_, prompted) = try models("llama")
    let wrong = Int32(prompted.configuration.vocabularySize)
    #expect(throws: TensorError.self) {
      try prompted.logits(ids: [wrong], layout: SequenceLayout(lengths: [1]), rows: [0])
    }
    let cache = prompted.keyValueCache(capacity: 4)
    #expect(throws: TensorError.self) { try prompted.nextLogits([wrong], cache: cache) }
  }
}

/// Learned keys and values of layers, in caches and behind shared prefixes; the numbers themselves are PEFT's in
/// PEFTMethodTests.
@Suite("Prefixes of layers")
struct LayerPrefixTests {
  static let names = ["llama", "gpt2", "bloom", "mistral", "qwen3", "olmo2", "opt", "phi", "gemma2"]

  private func model(_ name: String) throws -> LanguageModel? {
    let fixture = try FamilyFixture(name)
    let adapter = AdapterConfiguration(AdapterSelection(.allLinear), PrefixTuning(virtualTokens: 3))
    guard (try? fixture.configuration().validate(adapter)) != nil else { return nil }
    let model = try fixture.model()
    try model.attach(adapter, seed: 1)
    return model
  }

  @Test func manyFamiliesTakeThem() throws {
    #expect(try Self.names.filter { try model($0) != nil }.count >= 4)
    let grouped = AdapterConfiguration(AdapterSelection(.allLinear), PrefixTuning(virtualTokens: 3))
    #expect(throws: AdapterError.noPrefix(family: "bloom", because: "its keys stand between its queries")) {
      try FamilyFixture("bloom").configuration().validate(grouped)
    }
  }

  @Test(arguments: names) func cachesAndPacksAgree(name: String) throws {
    guard let model = try model(name) else { return }
    let ids: [Int32] = (0..<30).map { Int32($0 * 7 % 36) }
    let cache = model.keyValueCache(capacity: 30)
    var start = 0
    for block in [12, 1, 1, 16] {
      let found = try model.nextLogits(Array(ids[start..<start + block]), cache: cache)
      start += block
      let whole = try model.logits(
        ids: Array(ids[..<start]) + [1, 2], layout: SequenceLayout(lengths: [start, 2]), rows: [Int32(start - 1)])
      #expect(largestDifference(found.values, whole.values) < 2e-5)
    }
    let plain = try FamilyFixture(name).model()
    let without = try plain.logits(ids: ids, layout: SequenceLayout(lengths: [30]), rows: [29])
    let with = try model.logits(ids: ids, layout: SequenceLayout(lengths: [30]), rows: [29])
    #expect(largestDifference(with.values, without.values) > 1e-3)
  }
}
