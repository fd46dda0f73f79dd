import Diagnostics
import Foundation
import LanguageModels
import ModelFolders
import PreciseJSON
import TensorFiles
import Tensors
import TestKit
import Testing

/// GGUF files of families with experts, laid out as llama.cpp's converter does, with logits of transformers' for the numbers
/// in them: `scripts/reference/expert_gguf.py`.
@Suite("GGUF files of families with experts")
struct ExpertGGUFTests {
  /// The files, and the family that each is read as.
  static let files = [
    ("mixtral", "mixtral"), ("qwen2_moe", "qwen2_moe"), ("qwen3_moe", "qwen3_moe"), ("olmoe", "olmoe"),
    ("granitemoe", "granitemoe"), ("granitemoeshared", "granitemoe"), ("deepseek_v2", "deepseek_v2"),
    ("deepseek_v2-mscale", "deepseek_v2"), ("deepseek_v2-whole", "deepseek_v2"), ("deepseek_v3", "deepseek_v3"),
    ("gpt_oss", "gpt_oss"), ("glm4_moe", "glm4_moe"), ("dots1", "dots1"), ("hunyuan_v1_moe", "hunyuan_v1_moe"),
    ("ernie4_5_moe", "ernie4_5_moe"),
  ]

  private func path(_ name: String) -> String { fixture("ExpertGGUF/\(name).gguf") }

  /// How far the logits of a model are from those of transformers.
  private func difference(
    _ name: String, _ folder: ModelFolder, _ maps: PrecisionPlan.Maps = .packed
  ) throws -> Float {
    let expected = try readJSON(fixture("ExpertGGUF/expected.json"))
    let values = try #require(expected["models"]?[name])
    let ids = (values["ids"]?.array ?? []).compactMap(\.int).map { Int32($0) }
    let rows = (expected["rows"]?.array ?? []).compactMap(\.int).map { Int32($0) }
    let logits = (values["logits"]?.array ?? []).flatMap { $0.array ?? [] }.compactMap(\.double).map { Float($0) }
    try #require(logits.count == 3 * folder.configuration.vocabularySize)
    let model = try folder.languageModel(compute: try Compute(threads: 1), plan: PrecisionPlan(maps: maps))
    let found = try model.logits(ids: ids, layout: SequenceLayout(lengths: [ids.count]), rows: rows)
    return largestDifference(found.values, logits)
  }

  @Test("logits are transformers'", arguments: files)
  func logits(name: String, family: String) throws {
    let folder = try ModelFolder.open(path(name))
    #expect(folder.configuration.family.name == family)
    #expect(try difference(name, folder) < 2e-5)
    #expect(try difference(name, folder, .stored) < 2e-5)
  }

  /// Whole tensors of all experts are made of the file's, and `config.json` says the same model.
  @Test("the exported folder has the same logits", arguments: files)
  func export(name: String, family: String) throws {
    let base = try ModelFolder.open(path(name))
    let folder = try TemporaryFolder()
    try HuggingFaceWriter(base: base, tokenizer: nil, card: nil, elementType: .float32)
      .write(base.weights, to: folder.path("written"))
    let written = try ModelFolder.open(folder.path("written"))
    #expect(written.configuration.family.name == family)
    #expect(try difference(name, written) < 2e-5)
  }

  @Test("experts stay in the file, each in its part of the tensor of all", arguments: files)
  func inPlace(name: String, family: String) throws {
    let folder = try ModelFolder.open(path(name))
    let formats = try folder.storedFormats
    let all = folder.configuration.tensors + folder.configuration.expertParts
    let compute = try Compute(threads: 1)
    for tensor in all where tensor.shape.count == 2 && tensor.role.kind == .matrix {
      // What is made of two tensors is copied.
      guard let format = formats[tensor.name] else {
        #expect(tensor.name.contains("kv_b_proj") || tensor.name.contains("shared_mlp.input_linear"), "\(tensor.name)")
        continue
      }
      let stored = try #require(
        try folder.weights.stored(named: tensor.name, shape: tensor.shape, transposed: false))
      #expect(stored.formatName == format)
      let plain = try folder.weights.tensor(named: tensor.name, shape: tensor.shape)
      #expect(stored.numbers(compute).values == plain.values, "\(tensor.name)")
    }
    let experts = [
      "mixtral": ("model.layers.1.block_sparse_moe.experts.3.w3.weight", "Q4_1"),
      "granitemoe": ("model.layers.1.block_sparse_moe.output_linear.weight[5].down", "Q5_0"),
      "gpt_oss": ("model.layers.0.mlp.experts.gate_up_proj[2].up", "MXFP4"),
    ]
    if let (expert, format) = experts[name] { #expect(formats[expert] == format) }
  }

  @Test(
    "a model whose experts stay in the file gives all tensors again",
    arguments: ["mixtral", "granitemoeshared", "gpt_oss", "deepseek_v3"])
  func again(name: String) throws {
    let folder = try ModelFolder.open(path(name))
    let model = try folder.languageModel(compute: Compute(threads: 1), plan: PrecisionPlan(maps: .stored))
    for tensor in folder.configuration.tensors {
      let found = try model.mergedTensor(named: tensor.name)
      let wanted = try folder.weights.tensor(named: tensor.name, shape: tensor.shape)
      #expect(found.shape == wanted.shape && found.values == wanted.values, "\(tensor.name)")
    }
  }

  @Test("all types of tensors are told, those of the most numbers first")
  func storedElements() throws {
    let types = try ModelFolder.open(path("gpt_oss")).storedElements
    #expect(types.map { "\($0.type) \($0.tensors)" } == ["MXFP4 6", "Q8_0 10", "F32 25"])
  }

  /// A file with some of its bytes replaced, opened.
  private func message(_ name: String, _ changes: [(after: String, skipping: Int, bytes: [UInt8])]) throws -> String {
    var data = try Data(contentsOf: URL(fileURLWithPath: path(name)))
    for change in changes {
      let place = try #require(data.range(of: Data(change.after.utf8))).upperBound + change.skipping
      data.replaceSubrange(place..<place + change.bytes.count, with: change.bytes)
    }
    let folder = try TemporaryFolder()
    try data.write(to: URL(fileURLWithPath: folder.path("m.gguf")))
    do { _ = try ModelFolder.open(folder.path("m.gguf")) } catch {
      return diagnostics(of: error).rendered().replacing(folder.path + "/", with: "")
    }
    return "nothing thrown"
  }

  @Test("a number of experts that is not the tensors'")
  func anotherCount() throws {
    let text = try message("mixtral", [("llama.expert_count", 4, [3])])
    #expect(
      text.hasPrefix(
        """
        m.gguf: error: Tensor `blk.0.ffn_gate_inp.weight` has shape [4, 32]
          why: the configuration says [3, 32]
        m.gguf: error: Tensor `blk.0.ffn_gate_exps.weight` has shape [4, 32, 32]
          why: the configuration says [3, 32, 32]
        m.gguf: error: Tensor `blk.0.ffn_up_exps.weight` has shape [4, 32, 32]
          why: the configuration says [3, 32, 32]
        m.gguf: error: Tensor `blk.0.ffn_down_exps.weight` has shape [4, 32, 32]
          why: the configuration says [3, 32, 32]
        """))
  }

  @Test("a missing stack is told once, and one that nothing asks for")
  func missingStack() throws {
    let text = try message("mixtral", [("blk.1.ffn_up", 0, Array("_exqs".utf8))])
    #expect(
      text == """
        m.gguf: error: The model has no tensor `blk.1.ffn_up_exps.weight`
          why: the configuration says that it has
          try: rename `blk.1.ffn_up_exqs.weight`, which nothing asks for, if it is meant
        m.gguf: error: Tensor `blk.1.ffn_up_exqs.weight` has no meaning here
          why: no part of the configured architecture has such a tensor
        """)
  }

  @Test("a wrong shape of a stack")
  func wrongShape() throws {
    // Rows and experts exchanged: after the name come the number of dimensions and the first of them.
    let text = try message("mixtral", [("blk.0.ffn_down_exps.weight", 12, [4, 0, 0, 0, 0, 0, 0, 0, 32])])
    #expect(
      text == """
        m.gguf: error: Tensor `blk.0.ffn_down_exps.weight` has shape [32, 4, 32]
          why: the configuration says [4, 32, 32]
        """)
  }

  @Test("what would be computed otherwise is refused by name")
  func refused() throws {
    #expect(
      try message("glm4_moe", [("glm4moe.nextn_predict_layers", 4, [1])]) == """
        m.gguf: error: `glm4moe.nextn_predict_layers` is `1`, which is not supported
          at `glm4moe.nextn_predict_layers`
          try: Supported are [0]
        """)
    #expect(
      try message("deepseek_v3", [("deepseek2.expert_gating_func", 4, [3])]).contains(
        "`deepseek2.expert_gating_func` is `3`, which is not supported"))
    #expect(
      try message("qwen3_moe", [("qwen3moe.expert_use", 0, Array("x".utf8))]).contains(
        "The model's configuration has no `qwen3moe.expert_used_count`"))
  }
}
