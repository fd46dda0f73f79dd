import Foundation
import LanguageModels
import ModelFolders
import PreciseJSON
import TensorFiles
import Tensors
import TestKit
import Testing

@Suite("Names of tensors in old files")
struct NameTests {
  /// A folder of a fixture's model, with a mask in each block.
  private func write(_ name: String, without prefix: String, mask: String, to folder: TemporaryFolder) throws -> String
  {
    let fixture = try FamilyFixture(name)
    try folder.write(fixture.values["config"]?.text() ?? "", to: "old/config.json")
    let weights = try FormulaWeights(fixture.values)
    let writer = try SafetensorsWriter(
      path: folder.path("old/model.safetensors"),
      tensors: weights.names.map { name in
        .init(name: name.replacing(prefix, with: ""), type: .float32, shape: weights.shape(name) ?? [])
      } + [.init(name: mask, type: .float32, shape: [1, 1, 4, 4])])
    for name in weights.names {
      let tensor = try weights.tensor(named: name, shape: weights.shape(name) ?? [])
      try writer.write(name.replacing(prefix, with: ""), floats: UnsafeBufferPointer(tensor.buffer))
    }
    let ones = Tensor(shape: [1, 1, 4, 4], values: [Float](repeating: 1, count: 16))
    try writer.write(mask, floats: UnsafeBufferPointer(ones.buffer))
    try writer.finish()
    return folder.path("old")
  }

  @Test(
    "names without what all begin with are known, masks are passed over, and what is written has whole names",
    arguments: [
      ("gpt2", "transformer.", "h.0.attn.bias"), ("bloom", "transformer.", "h.0.attn.masked_bias"),
      ("gpt_neox", "", "gpt_neox.layers.0.attention.bias"),
    ])
  func oldFiles(name: String, prefix: String, mask: String) throws {
    let folder = try TemporaryFolder()
    let base = try ModelFolder.open(write(name, without: prefix, mask: mask, to: folder))
    let ids: [Int32] = [1, 5, 9, 2]
    let layout = SequenceLayout(lengths: [ids.count])
    let wanted = try FamilyFixture(name).model().logits(ids: ids, layout: layout, rows: [3]).values
    let compute = try Compute(threads: 1)
    #expect(try base.languageModel(compute: compute).logits(ids: ids, layout: layout, rows: [3]).values == wanted)
    try HuggingFaceWriter(base: base, tokenizer: nil, card: nil).write(base.weights, to: folder.path("new"))
    let written = try SafetensorsFile(path: folder.path("new/model.safetensors"))
    #expect(written.names.sorted() == base.configuration.tensors.map(\.name).sorted())
    #expect(
      try ModelFolder.open(folder.path("new")).languageModel(compute: compute)
        .logits(ids: ids, layout: layout, rows: [3]).values == wanted)
  }
}
