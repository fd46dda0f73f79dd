import Diagnostics
import Foundation
import LanguageModels
import ModelFolders
import PreciseJSON
import TensorFiles
import Tensors
import TestKit
import Testing

/// Blocks that are inserted change nothing, in every family, and their folders say what they are.
@Suite("Models with more blocks")
struct ExpansionTests {
  static let names = FamilyFixture.names.filter { $0 != "opt-350m" && (try? FamilyFixture($0).configuration()) != nil }

  /// Those whose `config.json` has no words for it.
  static let unsayable: Set<String> = ["gpt2-inverse-layers"]

  private func logits(_ model: LanguageModel, _ fixture: FamilyFixture) throws -> [Float] {
    let sequences = try fixture.sequences()
    let layout = SequenceLayout(lengths: sequences.map(\.ids.count))
    let ids = sequences.flatMap(\.ids)
    return try model.logits(ids: ids, layout: layout, rows: (0..<Int32(ids.count)).map { $0 }).values
  }

  private func write(_ fixture: FamilyFixture, _ configuration: String, to folder: TemporaryFolder) throws
    -> ModelFolder
  {
    let path = folder.path("base-\(configuration)")
    try FileManager.default.createDirectory(atPath: path, withIntermediateDirectories: true)
    let config = try #require(fixture.values[configuration])
    try folder.write(config.text(), to: "base-\(configuration)/config.json")
    let weights = try FormulaWeights(fixture.values)
    let tensors = try fixture.configuration().tensors
    let writer = try SafetensorsWriter(
      path: path + "/model.safetensors",
      tensors: tensors.map { .init(name: $0.name, type: .float32, shape: $0.shape) })
    for tensor in tensors {
      let values = try weights.tensor(named: tensor.name, shape: tensor.shape)
      try writer.write(tensor.name, floats: UnsafeBufferPointer(values.buffer))
    }
    try writer.finish()
    return try ModelFolder.open(path)
  }

  @Test(arguments: names)
  func aFolderWithMoreBlocksComputesTheSame(name: String) throws {
    let fixture = try FamilyFixture(name)
    let folder = try TemporaryFolder()
    for configuration in ["config", "older_config"] where fixture.values[configuration]?.isNull == false {
      let base = try write(fixture, configuration, to: folder)
      let blocks = base.configuration.blocks.count
      for copies in Set([1, blocks]) {
        guard let expansion = try? BlockExpansion(of: base.configuration, copies: copies) else {
          #expect(Self.unsayable.contains(name), "\(name) \(copies)")
          continue
        }
        var writer = HuggingFaceWriter(base: base, tokenizer: nil, card: nil)
        writer.expansion = expansion
        let path = folder.path("\(configuration)-\(copies)")
        try writer.write(ExpandedWeights(base.weights, expansion), to: path)
        let expanded = try ModelFolder.open(path)
        #expect(expanded.configuration.blocks.count == blocks + copies)
        let compute = try Compute(threads: 2)
        let difference = largestDifference(
          try logits(expanded.languageModel(compute: compute), fixture),
          try logits(base.languageModel(compute: compute), fixture))
        #expect(difference == 0, "\(configuration), \(copies) copies")
      }
    }
  }

  @Test func copiesStandBehindStretches() throws {
    let base = try TinyLlama("gqa").configuration
    let expansion = try BlockExpansion(of: base, copies: 1)
    #expect(expansion.sources == [0, 1, 1])
    #expect(expansion.copies == [2])
    #expect(try BlockExpansion(of: base, copies: 2).copies == [1, 3])
    let error = #expect(throws: BlockExpansionError.self) { try BlockExpansion(of: base, copies: 3) }
    #expect(
      error.map { diagnostics(of: $0).map { "\($0.summary) | \($0.advice ?? "")" } }
        == ["3 new blocks cannot stand at equal distances among 2 | say one of 1, 2"])
    let zero = expansion.configuration.tensors.filter { expansion.source(of: $0) == nil }.map(\.name)
    #expect(zero == ["model.layers.2.self_attn.o_proj.weight", "model.layers.2.mlp.down_proj.weight"])
  }
}
