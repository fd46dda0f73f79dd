import LanguageModels
import PreciseJSON
import TensorFiles
import Tensors
import TestKit
import Testing

@Suite("Logits equal those of transformers at every position")
struct LogitsTests {
  @Test(arguments: ["gqa", "tied", "llama3", "qwen2"])
  func allSequencesPacked(name: String) throws {
    let tiny = try TinyLlama(name)
    let model = try tiny.model()
    let sequences = try tiny.sequences()
    let expected = try tiny.expectedTensors()

    let ids = sequences.flatMap(\.ids)
    let layout = SequenceLayout(lengths: sequences.map(\.ids.count))
    let logits = try model.logits(ids: ids, layout: layout, rows: Array(0..<Int32(ids.count)))
    #expect(logits.shape == [ids.count, tiny.configuration.vocabularySize])
    let width = tiny.configuration.vocabularySize
    for (index, segment) in layout.segments.enumerated() {
      let end = segment.start + segment.count
      let found = Array(logits.buffer[segment.start * width..<end * width])
      let difference = try largestDifference(found, expected.tensor(named: "logits.\(index)").values)
      #expect(difference < 2e-5, "sequence \(index)")
    }
  }

  @Test func chosenRowsEqualThoseOfAllRows() throws {
    let tiny = try TinyLlama("gqa")
    let model = try tiny.model()
    let ids = try tiny.sequences()[3].ids
    let layout = SequenceLayout(lengths: [ids.count])
    let all = try model.logits(ids: ids, layout: layout, rows: Array(0..<Int32(ids.count)))
    let some = try model.logits(ids: ids, layout: layout, rows: [0, 7, 39])
    let width = tiny.configuration.vocabularySize
    for (index, row) in [0, 7, 39].enumerated() {
      let difference = largestDifference(
        Array(some.buffer[index * width..<(index + 1) * width]), Array(all.buffer[row * width..<(row + 1) * width]))
      #expect(difference < 1e-5)
    }
  }

  @Test func idsOutsideTheVocabularyAndLongSequencesAreErrors() throws {
    let model = try TinyLlama("gqa").model()
    #expect(throws: TensorError.self) {
      try model.logits(ids: [3, 90], layout: SequenceLayout(lengths: [2]), rows: [0])
    }
    #expect(throws: TensorError.self) {
      try model.logits(ids: [3, -1], layout: SequenceLayout(lengths: [2]), rows: [0])
    }
    #expect(throws: TensorError.self) {
      try model.logits(
        ids: [Int32](repeating: 1, count: 129), layout: SequenceLayout(lengths: [129]), rows: [0])
    }
  }
}

@Suite("SmolLM2 from its GGUF computes what transformers computes")
struct SmolLM2LogitsTests {
  static let path = realAsset("models/SmolLM2-135M-Instruct.Q4_1.gguf")

  @Test(.enabled(if: path != nil, "needs ANNEAL_ASSETS with models/SmolLM2-135M-Instruct.Q4_1.gguf"))
  func logitsAndLoss() throws {
    let source = try StoredGGUF(#require(Self.path))
    #expect(source.configuration.family.name == "llama")
    #expect(source.configuration.head.isTied)
    let model = try LanguageModel(source.configuration, weights: source, compute: Compute(threads: 2))
    let numbers = try readJSON(fixture("LanguageModels/smollm2.json"))
    let expected = try StoredWeights(fixture("LanguageModels/smollm2.safetensors"))
    let ids = try #require(numbers["ids"]?.array).compactMap(\.int).map { Int32($0) }
    let vocabulary = try #require(numbers["vocabulary"]?.array).compactMap(\.int)
    let topIDs = try #require(numbers["top_ids"]?.array).compactMap(\.int)

    let layout = SequenceLayout(lengths: [ids.count])
    let logits = try model.logits(ids: ids, layout: layout, rows: Array(0..<Int32(ids.count)))
    let width = source.configuration.vocabularySize
    var chosen: [Float] = []
    var top: [Float] = []
    for row in ids.indices {
      chosen += vocabulary.map { logits.pointer[row * width + $0] }
      top.append(logits.pointer[row * width + topIDs[row]])
    }
    let difference = try largestDifference(chosen, expected.tensor(named: "logits").values)
    let topDifference = try largestDifference(top, expected.tensor(named: "top").values)
    print("SmolLM2: largest difference of logits \(difference), of the first choices \(topDifference)")
    #expect(difference < 1e-3)
    #expect(topDifference < 1e-3)

    let batch = PackedBatch([LabelledSequence(ids: ids, lossMask: ids.map { _ in true })])
    let tape = Tape(compute: model.compute, records: false)
    let scored = try tape.crossEntropy(
      model.hiddenStates(tape, batch), head: model.head, targets: batch.targets,
      weights: [Float](repeating: 1, count: batch.labelCount))
    let loss = scored.logProbabilities.reduce(0) { $0 - Double($1) } / Double(batch.labelCount)
    let expectedLoss = try #require(numbers["loss"]?.double)
    print("SmolLM2: relative error of the loss \(relativeError(loss, expectedLoss))")
    #expect(relativeError(loss, expectedLoss) < 2e-6)
    let losses = try expected.tensor(named: "losses").values
    #expect(largestDifference(scored.logProbabilities.map { -$0 }, losses) < 1e-3)
  }
}
