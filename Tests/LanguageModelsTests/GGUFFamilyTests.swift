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

  static let cases: [Case] = [
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
    Case(name: "mpt", keys: ["attention.max_alibi_bias": 8]), Case(name: "mixtral"),
    Case(name: "qwen2_moe", keys: ["expert_feed_forward_length": 20, "expert_shared_feed_forward_length": 28]),
    Case(name: "qwen3_moe", keys: ["expert_feed_forward_length": 20]), Case(name: "olmoe"),
    Case(name: "olmoe-clip", keys: ["attention.clamp_kqv": 0.75, "expert_weights_norm": true]),
    Case(name: "granitemoeshared", keys: with(factors, ["expert_shared_feed_forward_length": 42])),
    Case(
      name: "deepseek_v2",
      keys: with(
        latent,
        [
          "attention.q_lora_rank": 20, "expert_shared_count": 2, "expert_weights_scale": 1.5, "expert_group_count": 4,
          "expert_group_used_count": 2, "expert_gating_func": 1,
        ])),
    // Files do not say `mscale`.
    Case(
      name: "deepseek_v2-mscale",
      keys: with(with(latent, yarn), ["expert_shared_count": 1, "rope.scaling.yarn_log_multiplier": 0.15]),
      lost: { $0.takeMscaleForAll() }),
    Case(name: "deepseek_v3", keys: with(corrected, ["expert_gating_func": 2])),
    // Older files do not say how scores come about: a correction tells.
    Case(name: "deepseek_v3", keys: corrected),
    Case(name: "gpt_oss", keys: with(yarn, ["attention.sliding_window": 8, "expert_feed_forward_length": 20])),
    Case(
      name: "glm4_moe",
      keys: [
        "leading_dense_block_count": 1, "expert_shared_count": 1, "expert_weights_scale": 1.5,
        "expert_weights_norm": true, "expert_gating_func": 2, "expert_feed_forward_length": 20,
      ]),
    Case(
      name: "ernie4_5_moe",
      keys: [
        "leading_dense_block_count": 1, "expert_shared_count": 2, "interleave_moe_layer_step": 1,
        "expert_feed_forward_length": 20, "expert_shared_feed_forward_length": 21,
      ]),
  ]

  private static func with(_ keys: [String: JSON], _ more: [String: JSON]) -> [String: JSON] {
    keys.merging(more) { $1 }
  }

  private static let factors: [String: JSON] = [
    "attention.scale": 0.2, "embedding_scale": 3, "residual_scale": 0.6, "logit_scale": 3,
  ]
  private static let latent: [String: JSON] = [
    "attention.kv_lora_rank": 16, "attention.key_length": 24, "attention.value_length": 16,
    "attention.key_length_mla": 14, "attention.value_length_mla": 10, "attention.head_count_kv": 1,
    "leading_dense_block_count": 1, "expert_feed_forward_length": 20,
  ]
  private static let corrected = with(
    latent,
    [
      "attention.q_lora_rank": 20, "expert_shared_count": 1, "expert_weights_scale": 2.5,
      "expert_weights_norm": true, "expert_group_count": 4, "expert_group_used_count": 2,
    ])
  private static let yarn: [String: JSON] = [
    "rope.scaling.type": "yarn", "rope.scaling.factor": 4, "rope.scaling.original_context_length": 16,
    "rope.scaling.yarn_beta_fast": 4, "rope.scaling.yarn_beta_slow": 1,
  ]

  @Test(arguments: cases)
  func sameModel(test: Case) throws {
    var wanted = try FamilyFixture(test.name).configuration()
    let file = try #require(File(wanted, test.keys))
    test.lost(&wanted)
    #expect(try file.configuration() == wanted)
  }

  /// Fixtures that say by themselves what the converter writes besides, and what files do not say.
  @Test(arguments: FamilyFixture.names.filter { (try? FamilyFixture($0))?.values["gguf"]?["keys"] != nil })
  func asTheFixtureSays(name: String) throws {
    let fixture = try FamilyFixture(name)
    // Of a family that is not here yet.
    guard let written = try? fixture.configuration() else { return }
    let keys = fixture.values["gguf"]?["keys"]?.object?.members ?? []
    let file = try #require(File(written, Dictionary(uniqueKeysWithValues: keys.map { ($0.key, $0.value) })))
    var config = try #require(fixture.values["config"]?.object)
    for (key, value) in fixture.values["gguf"]?["config"]?.object?.members ?? [] { config[key] = value }
    #expect(try file.configuration() == ModelConfiguration(huggingFace: .object(config)))
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

  @Test func keysOfExpertsThatAreNotThereAreRefused() throws {
    let file = try #require(
      File(FamilyFixture("qwen3").configuration(), ["expert_count": 4, "leading_dense_block_count": 1]))
    let error = #expect(throws: ModelConfigurationError.self) { try file.configuration() }
    #expect(
      error?.problems == [
        .unsupported(key: "qwen3.expert_count", found: "4", supported: ["0"]),
        .unsupported(key: "qwen3.leading_dense_block_count", found: "1", supported: ["0"]),
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
      if let experts = configuration.blocks.lazy.compactMap(\.experts).first {
        all["expert_count"] = JSON(experts.count)
        all["expert_used_count"] = JSON(experts.rule.chosen)
      }
      values = ["general.architecture": .string(layout.architecture)]
      for (key, value) in all.merging(keys, uniquingKeysWith: { $1 }) {
        values["\(layout.architecture).\(key)"] = value
      }
      for tensor in configuration.tensors {
        for source in configuration.gguf(tensor)?.sources ?? [] { shapes[source.name] = source.shape }
      }
    }

    func configuration(besides: [String: [Int]] = [:]) throws -> ModelConfiguration {
      try ModelConfiguration(
        gguf: "model.gguf", keys: values.keys.sorted(), value: { values[$0] },
        tensorShape: { besides[$0] ?? shapes[$0] })
    }
  }
}

extension ModelConfiguration {
  /// Makes the one part of DeepSeek's rule of cosines and sines what the other is.
  fileprivate mutating func takeMscaleForAll() {
    for layer in blocks.indices {
      guard case .yarn(var yarn) = blocks[layer].attention.rotary?.scaling else { continue }
      yarn.mscale = yarn.mscaleAllDimensions
      blocks[layer].attention.rotary?.scaling = .yarn(yarn)
    }
  }
}
