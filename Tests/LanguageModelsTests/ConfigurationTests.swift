import Diagnostics
import Foundation
import LanguageModels
import PreciseJSON
import Tensors
import TestKit
import Testing

@Suite("Configurations of Hugging Face")
struct HuggingFaceConfigurationTests {
  static let small: [(key: String, value: JSON)] = [
    ("model_type", "llama"), ("hidden_size", 64), ("num_hidden_layers", 2), ("num_attention_heads", 4),
    ("intermediate_size", 96), ("vocab_size", 90),
  ]

  func configuration(_ changes: (key: String, value: JSON)...) throws -> ModelConfiguration {
    var object = JSONObject(Self.small)
    for (key, value) in changes { object[key] = value }
    return try ModelConfiguration(huggingFace: .object(object))
  }

  func messages(_ changes: (key: String, value: JSON)...) -> [String] {
    var object = JSONObject(Self.small)
    for (key, value) in changes { object[key] = value }
    do {
      _ = try ModelConfiguration(huggingFace: .object(object))
      return []
    } catch { return diagnostics(of: error).map(\.summary) }
  }

  @Test func takesTheDefaultsOfTransformers() throws {
    let found = try configuration()
    #expect(found.family == Family(Llama.self))
    #expect(found.blocks[0].attention.keyValueHeads == 4)
    #expect(found.blocks[0].attention.headDimension == 16)
    #expect(found.maximumPositions == 2048)
    #expect(found.finalNorm?.function.epsilon == 1e-6)
    #expect(found.rotary?.base == 10_000)
    #expect(found.rotary?.scaling == RotaryScaling.none)
    #expect(!found.head.isTied)
    #expect(found.maps.allSatisfy { !$0.hasBias })
  }

  @Test func readsTheRotaryValuesOfOldAndNewFiles() throws {
    let llama3: JSON = [
      "rope_type": "llama3", "factor": 8.0, "low_freq_factor": 1.0, "high_freq_factor": 4.0,
      "original_max_position_embeddings": 8192, "rope_theta": 500_000.0,
    ]
    let wanted = RotaryScaling.llama3(
      factor: 8, lowFrequencyFactor: 1, highFrequencyFactor: 4, originalMaximumPosition: 8192)
    let new = try configuration(("rope_parameters", llama3))
    #expect(new.rotary?.base == 500_000)
    #expect(new.rotary?.scaling == wanted)
    let old = try configuration(("rope_scaling", llama3), ("rope_theta", 1000))
    #expect(old.rotary?.scaling == wanted)
    let linear = try configuration(("rope_scaling", ["type": "linear", "factor": 2]), ("rope_theta", 1000))
    #expect(linear.rotary?.base == 1000)
    #expect(linear.rotary?.scaling == .linear(factor: 2))
    let null = try configuration(("rope_scaling", nil), ("rope_theta", 1000))
    #expect(null.rotary?.scaling == RotaryScaling.none)
  }

  @Test("what a family writes reads back as the same configuration", arguments: ["llama", "mistral", "qwen2"])
  func writesWhatItReads(modelType: String) throws {
    let found = try configuration(
      ("model_type", .string(modelType)), ("num_key_value_heads", 2), ("attention_bias", true),
      ("rope_scaling", ["rope_type": "linear", "factor": 2.5]), ("rms_norm_eps", 3e-6))
    #expect(found.family.name == modelType)
    #expect(try ModelConfiguration(huggingFace: JSON(found.huggingFaceMembers)) == found)
  }

  @Test func aModelOfTooManyBlocksIsRefused() {
    #expect(messages(("num_hidden_layers", 10_001)) == ["`num_hidden_layers` is 10001, not a number from 1 to 10000"])
  }

  @Test func listsTheTensorsOfItsFiles() throws {
    let tensors = try configuration(("attention_bias", true), ("num_key_value_heads", 2)).tensors
    #expect(tensors.count == 1 + 2 * (2 + 7 + 4) + 2)
    let byName = Dictionary(uniqueKeysWithValues: tensors.map { ($0.name, $0.shape) })
    #expect(byName["model.embed_tokens.weight"] == [90, 64])
    #expect(byName["model.layers.1.self_attn.k_proj.weight"] == [32, 64])
    #expect(byName["model.layers.1.self_attn.k_proj.bias"] == [32])
    #expect(byName["model.layers.0.mlp.down_proj.weight"] == [64, 96])
    #expect(byName["model.layers.0.post_attention_layernorm.weight"] == [64])
    #expect(byName["lm_head.weight"] == [90, 64])
    let tied = try configuration(("tie_word_embeddings", true))
    #expect(!tied.tensors.contains { $0.role == .head })
    #expect(tied.parameterCount == 2 * 64 + 64 + 90 * 64 + 2 * (4 * 64 * 64 + 3 * 64 * 96) + 2 * 64)
  }

  @Test func windowsAreThoseOfTheFamily() throws {
    func windows(_ configuration: ModelConfiguration) -> [Int?] { configuration.blocks.map(\.attention.window) }
    let mistral = try configuration(
      ("model_type", "mistral"), ("num_key_value_heads", 2), ("max_position_embeddings", 32_768),
      ("sliding_window", 4096))
    #expect(windows(mistral) == [4096, 4096])
    #expect(mistral.maximumPositions == 32_768)
    #expect(
      windows(try configuration(("model_type", "mistral"), ("num_key_value_heads", 2), ("sliding_window", nil))) == [
        nil, nil,
      ])
    let layers: JSON = ["full_attention", "sliding_attention"]
    #expect(
      windows(
        try configuration(
          ("model_type", "mistral"), ("num_key_value_heads", 2), ("sliding_window", 7), ("layer_types", layers))) == [
          nil, 7,
        ])
    let qwen = try configuration(
      ("model_type", "qwen2"), ("num_key_value_heads", 2), ("sliding_window", 4096), ("use_sliding_window", false),
      ("max_window_layers", 1))
    #expect(windows(qwen) == [nil, nil])
    #expect(qwen.maps.filter(\.hasBias).map(\.shortName) == ["q_proj", "k_proj", "v_proj"])
    let upper = try configuration(
      ("model_type", "qwen2"), ("num_key_value_heads", 2), ("sliding_window", 4096), ("use_sliding_window", true),
      ("max_window_layers", 1))
    #expect(windows(upper) == [nil, 4096])
  }

  @Test func tellsEverythingThatIsWrongAtOnce() {
    #expect(
      messages(
        ("model_type", "lama"), ("hidden_act", "relu"), ("hidden_size", 0), ("vocab_size", "many"),
        ("intermediate_size", nil), ("rope_scaling", ["rope_type": "spiral", "factor": 4.0]))
        == [
          "`model_type` is `lama`, which is not supported", "`hidden_act` is `relu`, which is not supported",
          "`hidden_size` is 0, not a number from 1 to 16777216",
          "`rope_scaling.rope_type` is `spiral`, which is not supported",
          "The model's configuration has no `intermediate_size`", "`vocab_size` is a string, not a whole number",
        ])
    #expect(
      messages(("num_key_value_heads", 3))
        == ["4 query heads cannot share 3 key-value heads evenly"])
    #expect(messages(("head_dim", 15)) == ["The head dimension 15 is odd, rotary positions need pairs"])
    #expect(
      messages(("quantization_config", ["quant_method": "gptq"]))
        == ["`quantization_config` is `gptq`, which is not supported"])
    #expect(throws: ModelConfigurationError(file: "config.json", problems: [.notAnObject(found: "a list")])) {
      try ModelConfiguration(huggingFace: [])
    }
  }

  @Test("keys that change the numbers and are not computed are refused, and so are those that nobody knows")
  func keysThatAreNotComputed() {
    #expect(messages(("is_causal", false)) == ["`is_causal` is `false`, which is not supported"])
    #expect(messages(("partial_rotary_factor", 0.5)) == ["`partial_rotary_factor` is `0.5`, which is not supported"])
    #expect(
      messages(("logit_scale", 0.0625), ("my_gate", 2)) == [
        "`logit_scale` is `0.0625`, which is not supported", "`my_gate` is not known",
      ])
    #expect(
      messages(("layer_types", ["chunked_attention"])) == [
        "`layer_types` is `chunked_attention`, which is not supported"
      ])
    #expect(
      messages(("rope_scaling", ["rope_type": "linear", "factor": 2, "truncate": false]))
        == ["`rope_scaling.truncate` is not known"])
  }

  @Test("what transformers computes in one family alone is refused in the others")
  func keysOfOtherFamilies() {
    let alpha: JSON = ["rope_type": "dynamic", "factor": 2.0, "alpha": 1000.0]
    #expect(messages(("rope_scaling", alpha)) == ["`rope_scaling.alpha` is not known"])
    #expect(messages(("model_type", "hunyuan_v1_dense"), ("rope_scaling", alpha)) == [])
    let kinds: JSON = [
      "full_attention": ["rope_type": "default", "rope_theta": 1e6],
      "sliding_attention": ["rope_type": "default", "rope_theta": 1e4],
    ]
    #expect(
      messages(("rope_parameters", kinds)) == [
        "`rope_parameters.full_attention` is not known", "`rope_parameters.sliding_attention` is not known",
      ])
    #expect(messages(("model_type", "gemma3_text"), ("rope_parameters", kinds)) == [])
    // The form of tanh is what these models have; `gelu` is computed by erf.
    for family in ["gemma2", "gemma3_text"] {
      #expect(
        messages(("model_type", .string(family)), ("hidden_activation", "gelu")) == [
          "`hidden_activation` is `gelu`, which is not supported"
        ])
    }
  }

  @Test("StarCoder 2 has one window for all blocks, whatever `layer_types` says")
  func windowOfAllBlocks() throws {
    func messages(_ window: JSON, _ kinds: JSON) -> [String] {
      self.messages(
        ("model_type", "starcoder2"), ("num_key_value_heads", 2), ("sliding_window", window), ("layer_types", kinds))
    }
    #expect(messages(7, nil) == [])
    #expect(messages(7, ["sliding_attention", "sliding_attention"]) == [])
    #expect(messages(nil, ["full_attention", "full_attention"]) == [])
    #expect(
      messages(7, ["full_attention", "sliding_attention"]) == [
        "`layer_types` is `full_attention`, which is not supported"
      ])
    #expect(
      messages(nil, ["full_attention", "sliding_attention"]) == [
        "`layer_types` is `sliding_attention`, which is not supported"
      ])
  }

  @Test("keys that leave the numbers alone are passed over, and null is no value")
  func harmlessKeys() {
    #expect(
      messages(
        ("is_causal", true), ("partial_rotary_factor", 1.0), ("my_gate", nil), ("attention_dropout", 0.1),
        ("transformers_version", "5.6.2"), ("_name_or_path", "x"), ("use_cache", false), ("eos_token_id", [1, 2]),
        ("rope_interleaved", false), ("layer_types", ["full_attention", "full_attention"]),
        ("rope_parameters", ["rope_type": "default", "rope_theta": 10_000, "partial_rotary_factor": 1.0])) == [])
  }

  @Test(
    "a slip in the name of a family is told from the name of another family",
    arguments: [
      ("lama", "llama"), ("qwen33", "qwen3"), ("qewn3", "qwen3"), ("qwen3-moe", "qwen3_moe"), ("gtp2", "gpt2"),
      ("ernie45", "ernie4_5"), ("Gemma3", "gemma3"), ("stracoder2", "starcoder2"), ("smolm3", "smollm3"),
      ("bert", nil), ("xglm", nil), ("mllama", nil), ("gpt_neoxx", "gpt_neox"),
    ] as [(String, String?)])
  func theNearestFamily(found: String, meant: String?) {
    let supported = [
      "llama", "qwen2", "qwen3", "qwen3_moe", "gpt2", "ernie4_5", "gemma3", "phi3", "starcoder2",
      "smollm3", "glm", "gpt_neox",
    ]
    let error = ModelConfigurationError(
      file: "config.json", problems: [.unknownFamily(key: "model_type", found: found, supported: supported)])
    let all = "Supported are [\(supported.joined(separator: ", "))]"
    #expect(error.diagnostics[0].advice == meant.map { "Did you mean `\($0)`?" } ?? all)
  }

  /// A row a family, with the names of its models.
  @Test func thePageOfModelsHasEveryFamily() throws {
    let path = URL(fileURLWithPath: fixture("")).deletingLastPathComponent().deletingLastPathComponent()
      .appendingPathComponent("docs/models.md")
    let page = try String(contentsOf: path, encoding: .utf8)
    for family in ModelFamilies.all {
      let row = "| \(family.name) | \(family.models) | `\(family.modelTypes[0])`"
      #expect(page.contains(row), "\(row)")
    }
  }

  /// Of a few families, so that another one changes nothing here.
  @Test(
    "a family that is not here names those that are nearest",
    arguments: [
      ("hunyuan", "hunyuan_v1_dense, hunyuan_v1_moe"), ("phi4", "phi3, phi"), ("internlm3", "internlm2"),
      ("llama4", "llama"), ("mistral4", "mistral"), ("qwen4", "qwen2, qwen3, qwen2_moe, qwen3_moe"),
      ("gpt_neo", "gpt_neox, gpt2, gpt_oss"), ("deepseek_v4", "deepseek_v2, deepseek_v3"),
      ("phimoe", "phi3, phi"), ("granitemoehybrid", "granite, granitemoe"), ("chatglm", "glm, glm4"),
      ("codegen", "gptj"),
    ])
  func itsRelatives(found: String, related: String) {
    let supported = [
      "llama", "mistral", "qwen2", "qwen3", "phi3", "granite", "phi", "glm", "glm4", "hunyuan_v1_dense", "gpt_neox",
      "internlm2", "gptj", "gpt2", "qwen2_moe", "qwen3_moe", "granitemoe", "deepseek_v2", "deepseek_v3", "gpt_oss",
      "hunyuan_v1_moe",
    ]
    let error = ModelConfigurationError(
      file: "config.json", problems: [.unknownFamily(key: "model_type", found: found, supported: supported)])
    #expect(error.diagnostics[0].advice == "Of its relatives [\(related)] are supported")
  }

  @Test(
    "a model that takes more than text names its language model, and nothing else is told",
    arguments: [
      ("llava", "mistral", "`llava` takes more than text; its language model alone, `mistral`, is supported"),
      ("gemma3", "gemma3_text", "`gemma3` takes more than text; its language model alone, `gemma3_text`, is supported"),
      ("qwen2_vl", "qwen2_vl_text", "`qwen2_vl` takes more than text; models of text alone are supported"),
    ])
  func aModelOfPictures(type: String, text: String, told: String) {
    #expect(advice(["model_type": .string(type), "text_config": ["model_type": .string(text)]]) == [told])
  }

  /// Of all problems that have one; empty where one has none.
  private func advice(_ values: JSON) -> [String] {
    do {
      _ = try ModelConfiguration(huggingFace: values)
      return []
    } catch { return diagnostics(of: error).map { $0.advice ?? "" } }
  }
}

@Suite("Configurations of GGUF files")
struct GGUFConfigurationTests {
  let values: [String: JSON] = [
    "general.architecture": "llama", "llama.embedding_length": 64, "llama.attention.head_count": 4,
    "llama.attention.head_count_kv": 2, "llama.block_count": 3, "llama.feed_forward_length": 96,
    "llama.context_length": 512, "llama.attention.layer_norm_rms_epsilon": 1e-5, "llama.rope.freq_base": 100_000,
  ]

  @Test func tellsTheSameAsConfigJSON() throws {
    let found = try ModelConfiguration(
      gguf: "model.gguf", keys: Array(values.keys), value: { values[$0] },
      tensorShape: { ["token_embd.weight": [90, 64], "blk.0.attn_q.bias": [64]][$0] })
    #expect(
      found
        == DecoderShape(
          hiddenSize: 64, layerCount: 3, queryHeads: 4, keyValueHeads: 2, headDimension: 16,
          feedForwardSize: 96, vocabularySize: 90, maximumPositions: 512, normEpsilon: 1e-5,
          rotary: RotaryConfiguration(base: 100_000, dimension: 16),
          tiesHead: true
        ).configuration(Llama.self, biases: [.query]))
  }

  private func scaling(_ changes: [String: JSON], factors: [Float]? = nil) throws -> RotaryScaling {
    let changed = values.merging(changes) { $1 }
    return try ModelConfiguration(
      gguf: "model.gguf", keys: Array(changed.keys), value: { changed[$0] },
      tensorShape: { ["token_embd.weight": [90, 64]][$0] }, rotaryFactors: { $0 == "rope_freqs.weight" ? factors : nil }
    ).rotary?.scaling ?? .none
  }

  @Test("scaling factors count as in llama.cpp: without a type, under the older key, on top of a tensor's")
  func scalingFactors() throws {
    #expect(try scaling([:]) == .none)
    #expect(try scaling(["llama.rope.scaling.factor": 4.0]) == .linear(factor: 4))
    #expect(try scaling(["llama.rope.scale_linear": 2.0]) == .linear(factor: 2))
    #expect(try scaling(["llama.rope.scale_linear": 2.0, "llama.rope.scaling.factor": 4.0]) == .linear(factor: 4))
    #expect(try scaling(["llama.rope.scaling.factor": 0.0]) == .none)
    #expect(try scaling(["llama.rope.scaling.type": "none", "llama.rope.scaling.factor": 4.0]) == .none)
    let factors = [Float](repeating: 3, count: 8)
    #expect(try scaling([:], factors: factors) == .longRope(LongRope(factors: factors, maximumPosition: 512)))
    #expect(
      try scaling(["llama.rope.scaling.factor": 4.0], factors: factors)
        == .longRope(LongRope(factors: [Float](repeating: 12, count: 8), maximumPosition: 512)))
    #expect(throws: ModelConfigurationError.self) { try scaling([:], factors: [1, 2]) }
    #expect(throws: ModelConfigurationError.self) { try scaling([:], factors: [0] + factors.dropFirst()) }
  }

  @Test("keys of the architecture that change the numbers and are not computed are refused")
  func keysThatAreNotComputed() {
    for (key, value, summary) in [
      (
        "llama.leading_dense_block_count", 1, "`llama.leading_dense_block_count` is `1`, which is not supported"
      ),
      ("llama.attention.causal", false, "`llama.attention.causal` is `false`, which is not supported"),
      ("llama.new_gate", 1, "`llama.new_gate` is not known"),
    ] as [(String, JSON, String)] {
      do {
        _ = try scaling([key: value])
        Issue.record("\(key) is not refused")
      } catch { #expect(diagnostics(of: error).map(\.summary) == [summary]) }
    }
    #expect(throws: Never.self) { try scaling(["llama.expert_count": 0, "llama.vocab_size": 90, "general.name": "x"]) }
  }

  @Test func refusesWhatItCannotCompute() {
    var changed = values
    changed["llama.rope.scaling.type"] = "spiral"
    changed["llama.rope.dimension_count"] = 8
    do {
      _ = try ModelConfiguration(
        gguf: "model.gguf", keys: Array(changed.keys), value: { changed[$0] }, tensorShape: { _ in nil })
      Issue.record("no error")
    } catch {
      #expect(
        diagnostics(of: error).map(\.summary) == [
          "The model's configuration has no `token_embd.weight`",
          "Heads have 16 elements and rotary positions 8: they must agree",
          "`llama.rope.scaling.type` is `spiral`, which is not supported",
        ])
    }
    changed["general.architecture"] = "mamba"
    #expect(throws: ModelConfigurationError.self) {
      try ModelConfiguration(
        gguf: "model.gguf", keys: Array(changed.keys), value: { changed[$0] }, tensorShape: { _ in nil })
    }
  }

  /// Rows of `LlamaModel.permute` of llama.cpp's converter for 2 heads of 6 rows: reshape [2, 2, 3], swap, flatten.
  @Test func rowsOfQueriesComeBackInHuggingFaceOrder() {
    var rows: [Float] = [0, 3, 1, 4, 2, 5, 6, 9, 7, 10, 8, 11].flatMap { [$0, $0 + 0.5] }
    let original = rows
    rows.withUnsafeMutableBufferPointer { HeadPermutation.interleaved(heads: 2).restore($0, columns: 2) }
    #expect(rows == (0..<12).flatMap { [Float($0), Float($0) + 0.5] })
    rows.withUnsafeMutableBufferPointer { HeadPermutation.interleaved(heads: 2).apply($0, columns: 2) }
    #expect(rows == original)
    rows.withUnsafeMutableBufferPointer { HeadPermutation.natural.restore($0, columns: 2) }
    #expect(rows == original)
  }

  @Test func onlyTheLlamaArchitectureReordersRows() throws {
    let llama = try TinyLlama("gqa").configuration
    #expect(order(llama, "self_attn.q_proj", layer: 0) == .interleaved(heads: 4))
    #expect(order(llama, "self_attn.k_proj", layer: 1) == .interleaved(heads: 2))
    #expect(order(llama, "self_attn.v_proj", layer: 1) == .natural)
    var qwen = llama
    qwen.family = Family(Qwen2.self)
    #expect(order(qwen, "self_attn.q_proj", layer: 0) == .natural)
  }

  private func order(_ configuration: ModelConfiguration, _ map: String, layer: Int) -> HeadPermutation? {
    let name = configuration.name(of: .weight(map, layer: layer))
    return configuration.tensorsByName[name].flatMap { configuration.gguf($0) }?.order
  }
}

extension ModelConfiguration {
  /// The rotary positions of the first block.
  fileprivate var rotary: RotaryConfiguration? { blocks[0].attention.rotary }
}
