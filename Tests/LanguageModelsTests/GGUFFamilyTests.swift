import LanguageModels
import PreciseJSON
import Tensors
import TestKit
import Testing

/// The metadata that llama.cpp's converter would write of a tiny model, read back.
@Suite("GGUF files say the model that config.json says")
struct GGUFFamilyTests {
  /// A variant, the keys of its architecture besides those that all have, and what GGUF files do not say of it.
  struct Case: Sendable, CustomTestStringConvertible {
    var name: String
    var keys: [String: JSON] = [:]
    var lost: @Sendable (inout ModelConfiguration) -> Void = { _ in }
    var testDescription: String { name }
  }

  private static let windows: [String: JSON] = [
    "attention.sliding_window": 8, "attention.sliding_window_pattern": [true, false],
  ]

  static let cases = [
    Case(name: "llama"), Case(name: "qwen2"), Case(name: "qwen3"), Case(name: "olmo2"),
    Case(name: "olmo3", keys: windows),
    Case(
      name: "granite",
      keys: ["attention.scale": 0.2, "embedding_scale": 3, "residual_scale": 0.6, "logit_scale": 0.4]),
    // Every fourth block has no positions.
    Case(name: "smollm3", lost: { $0.blocks[1].attention.rotary = $0.blocks[0].attention.rotary }),
    Case(name: "starcoder2", lost: { for layer in $0.blocks.indices { $0.blocks[layer].attention.window = nil } }),
    Case(name: "phi"), Case(name: "cohere", keys: ["logit_scale": 0.6, "rope.scaling.type": "none"]),
    Case(name: "cohere-qknorm", keys: ["logit_scale": 0.6, "rope.scaling.type": "none"]),
    Case(name: "cohere2", keys: windows.merging(["logit_scale": 0.6, "rope.scaling.type": "none"]) { $1 }),
    Case(name: "stablelm", keys: ["use_parallel_residual": true]), Case(name: "glm4"), Case(name: "glm"),
    Case(name: "exaone4", keys: windows), Case(name: "ernie4_5"), Case(name: "seed_oss"),
    Case(name: "hunyuan_v1_dense"), Case(name: "olmo"),
    Case(name: "olmo-clip", keys: ["attention.clamp_kqv": 0.8]),
    Case(name: "gpt_neox", keys: ["use_parallel_residual": true]),
    Case(name: "gpt_neox-sequential", keys: ["use_parallel_residual": false]), Case(name: "falcon"),
    Case(name: "falcon-7b"), Case(name: "falcon-11b"), Case(name: "bloom"),
    Case(name: "mpt", keys: ["attention.max_alibi_bias": 8]),
  ]

  @Test(arguments: cases)
  func sameModel(test: Case) throws {
    var wanted = try FamilyFixture(test.name).configuration()
    let file = try #require(File(wanted, test.keys))
    test.lost(&wanted)
    #expect(try file.configuration() == wanted)
  }

  @Test func whatLiesOtherwiseIsRefused() throws {
    let stacked = try #require(File(FamilyFixture("stablelm").configuration(), [:]))
    let error = #expect(throws: ModelConfigurationError.self) {
      try stacked.configuration(besides: ["blk.0.attn_q_norm.weight": [4, 8]])
    }
    #expect(
      error?.problems == [
        .inconsistent("The norms of the heads lie in one tensor, which is not read here: take the model's safetensors")
      ])
  }

  /// What a file of a configuration says.
  struct File {
    var values: [String: JSON]
    var shapes: [String: [Int]] = [:]

    init?(_ configuration: ModelConfiguration, _ keys: [String: JSON]) {
      guard let layout = configuration.family.type.gguf else { return nil }
      let attention = configuration.blocks[0].attention
      let function = configuration.finalNorm?.function
      let norm = function?.kind == .layer ? "layer_norm_epsilon" : "layer_norm_rms_epsilon"
      var all: [String: JSON] = [
        "block_count": JSON(configuration.blocks.count), "context_length": JSON(configuration.maximumPositions),
        "embedding_length": JSON(configuration.hiddenSize),
        "feed_forward_length": JSON(configuration.blocks[0].feedForward.size),
        "attention.head_count": JSON(attention.heads), "attention.head_count_kv": JSON(attention.keyValueHeads),
        "attention.key_length": JSON(attention.headDimension), "attention.value_length": JSON(attention.headDimension),
        "attention.\(norm)": .number(JSONNumber(text: "\(function?.epsilon ?? 0)")),
      ]
      if let rotary = attention.rotary {
        all["rope.dimension_count"] = JSON(rotary.dimension)
        all["rope.freq_base"] = JSON(rotary.base)
      }
      values = ["general.architecture": .string(layout.architecture)]
      for (key, value) in all.merging(keys, uniquingKeysWith: { $1 }) {
        values["\(layout.architecture).\(key)"] = value
      }
      for tensor in configuration.tensors {
        if let name = configuration.gguf(tensor.role)?.name { shapes[name] = tensor.shape }
      }
    }

    func configuration(besides: [String: [Int]] = [:]) throws -> ModelConfiguration {
      try ModelConfiguration(
        gguf: "model.gguf", keys: values.keys.sorted(), value: { values[$0] },
        tensorShape: { besides[$0] ?? shapes[$0] })
    }
  }
}
