import Diagnostics
import Foundation
import LanguageModels
import ModelFolders
import PreciseJSON
import TensorFiles
import Tensors
import TestKit
import Testing

/// Models whose files say one thing in an unusual way, with logits of transformers' from
/// `scripts/reference/model_variants.py`.
@Suite("Unusual models")
struct VariantTests {
  private func logits(of path: String) throws -> [Float] {
    let expected = try readJSON(fixture("ModelVariants/expected.json"))
    let ids = expected["ids"]?.array?.compactMap(\.int).map { Int32($0) } ?? []
    let model = try ModelFolder.open(path).languageModel(compute: Compute(threads: 1))
    return try model.logits(
      ids: ids, layout: SequenceLayout(lengths: [ids.count]), rows: [Int32(ids.count - 1)]
    ).values
  }

  private func expected(_ name: String) throws -> [Float] {
    let logits = try readJSON(fixture("ModelVariants/expected.json"))["logits"]?[name]
    return logits?.array?.compactMap(\.double).map { Float($0) } ?? []
  }

  @Test("logits are transformers'", arguments: ["untied", "llama31.gguf", "factors.gguf"])
  func logits(name: String) throws {
    let expected = try expected(name)
    #expect(expected.count == 40)
    #expect(largestDifference(try logits(of: fixture("ModelVariants/" + name)), expected) < 1e-5)
  }

  @Test("a tied model whose files hold another head keeps that head, also when it is written again")
  func untied() throws {
    let base = try ModelFolder.open(fixture("ModelVariants/untied"))
    #expect(!base.configuration.head.isTied)
    let folder = try TemporaryFolder()
    try HuggingFaceWriter(base: base, tokenizer: nil, card: nil).write(base.weights, to: folder.path("written"))
    #expect(try readJSON(folder.path("written/config.json"))["tie_word_embeddings"] == false)
    #expect(largestDifference(try logits(of: folder.path("written")), try expected("untied")) < 1e-5)
  }

  @Test("a tied model that stores its head twice stays tied")
  func tiedTwice() throws {
    let base = try ModelFolder.open(fixture("ModelFolders/sharded"))
    let embedding = "model.embed_tokens.weight"
    let shape = [base.configuration.vocabularySize, base.configuration.hiddenSize]
    let folder = try TemporaryFolder()
    try HuggingFaceWriter(base: base, tokenizer: nil, card: nil, elementType: .float32)
      .write(base.weights, to: folder.path("one"))
    let written = try ModelFolder.open(folder.path("one"))
    try FileManager.default.createDirectory(atPath: folder.path("two"), withIntermediateDirectories: true)
    try FileManager.default.copyItem(atPath: folder.path("one/config.json"), toPath: folder.path("two/config.json"))
    let names = written.configuration.tensors.map { ($0.name, $0.shape) } + [("lm_head.weight", shape)]
    let writer = try SafetensorsWriter(
      path: folder.path("two/model.safetensors"),
      tensors: names.map { .init(name: $0.0, type: .float32, shape: $0.1) })
    for (name, shape) in names {
      let stored = name == "lm_head.weight" ? embedding : name
      let values = try written.weights.tensor(named: stored, shape: shape)
      try writer.write(name, floats: UnsafeBufferPointer(values.buffer))
    }
    try writer.finish()
    #expect(try ModelFolder.open(folder.path("two")).configuration.head.isTied)
  }

  @Test("Llama 3.1's numbers in a GGUF are known again as its recipe, others stay numbers")
  func rotaryFactors() throws {
    #expect(
      try ModelFolder.open(fixture("ModelVariants/llama31.gguf")).configuration.blocks[0].attention.rotary?.scaling
        == .llama3(factor: 8, lowFrequencyFactor: 1, highFrequencyFactor: 4, originalMaximumPosition: 8192))
    let factors = try ModelFolder.open(fixture("ModelVariants/factors.gguf"))
    #expect(
      factors.configuration.blocks[0].attention.rotary?.scaling
        == .longRope(LongRope(factors: [1.5, 2.25, 3, 40], maximumPosition: factors.configuration.maximumPositions)))
    let folder = try TemporaryFolder()
    try HuggingFaceWriter(base: factors, tokenizer: nil, card: nil, elementType: .float32)
      .write(factors.weights, to: folder.path("written"))
    #expect(largestDifference(try logits(of: folder.path("written")), try expected("factors.gguf")) < 1e-5)
  }

  @Test("a file of another kind is called what it is")
  func otherKinds() throws {
    let folder = try TemporaryFolder()
    let pointer = "version https://git-lfs.github.com/spec/v1\noid sha256:00\nsize 269060552\n"
    try Data(pointer.utf8).write(to: URL(fileURLWithPath: folder.path("model.gguf")))
    #expect(try summaries(of: folder.path("model.gguf")) == ["This is a Git LFS pointer, not a GGUF file"])
    try copy("ModelVariants/untied", to: folder.path("weights"))
    try Data(pointer.utf8).write(to: URL(fileURLWithPath: folder.path("weights/model.safetensors")))
    #expect(try summaries(of: folder.path("weights")) == ["This is a Git LFS pointer, not a safetensors file"])
  }

  /// transformers leaves them out too (`_keys_to_ignore_on_load_unexpected`).
  @Test("blocks that predict further tokens are left out, and no others")
  func furtherBlocks() throws {
    let folder = try TemporaryFolder()
    let fixture = try FamilyFixture("glm4_moe")
    var config = try #require(fixture.values["config"]?.object)
    config["num_nextn_predict_layers"] = 1
    let model = try fixture.configuration()
    let last = model.blocks.count
    func write(_ more: [String]) throws {
      try FileManager.default.createDirectory(atPath: folder.path("m"), withIntermediateDirectories: true)
      try Data(JSON.object(config).text().utf8).write(to: URL(fileURLWithPath: folder.path("m/config.json")))
      let names = model.tensors.map { ($0.name, $0.shape) } + more.map { ($0, [4]) }
      let writer = try SafetensorsWriter(
        path: folder.path("m/model.safetensors"), tensors: names.map { .init(name: $0.0, type: .float32, shape: $0.1) })
      for (name, shape) in names {
        let count = shape.reduce(1, *)
        try [Float](repeating: 0.1, count: count).withUnsafeBufferPointer { try writer.write(name, floats: $0) }
      }
      try writer.finish()
    }
    try write(["model.layers.\(last).eh_proj.weight", "model.layers.\(last).enorm.weight"])
    guard case .huggingFace(let opened) = try ModelFolder.open(folder.path("m")) else { return }
    #expect(opened.furtherBlocks == 1 && opened.configuration == model)
    try write(["model.layers.\(last + 1).eh_proj.weight"])
    #expect(
      try summaries(of: folder.path("m")) == ["Tensor `model.layers.\(last + 1).eh_proj.weight` has no meaning here"])
  }

  private func summaries(of path: String) throws -> [String] {
    do {
      _ = try ModelFolder.open(path)
      return []
    } catch { return diagnostics(of: error).map(\.summary) }
  }
}
