import Diagnostics
import LanguageModels
import PreciseJSON
import Tensors
import TestKit
import Testing

@Suite("A key of a family that means nothing, or something that is not computed, is refused by name")
struct FamilyFieldTests {
  struct Case: Sendable, CustomTestStringConvertible {
    var variant: String
    var key: String
    var value: JSON
    var message: String
    var testDescription: String { "\(variant) \(key) \(value.text())" }

    init(_ variant: String, _ key: String, _ value: JSON, _ message: String) {
      (self.variant, self.key, self.value, self.message) = (variant, key, value, message)
    }
  }

  static let cases = [
    Case("hunyuan_v1_moe", "moe_topk", [1, 2], "`moe_topk` is `2`, which is not supported"),
    Case("hunyuan_v1_moe", "moe_topk", [9, 9], "`moe_topk` is 9, not a number from 1 to 6"),
    Case("hunyuan_v1_moe", "moe_topk", [-3, -3], "`moe_topk` is -3, not a number from 1 to 6"),
    Case("hunyuan_v1_moe", "moe_topk", ["x"], "`moe_topk` is a string, not a whole number"),
    Case(
      "deepseek_v3", "n_shared_experts", 9_223_372_036_854_775_807,
      "`n_shared_experts` is 9223372036854775807, not a number from 0 to 838860"),
    Case(
      "ernie4_5_moe", "moe_num_shared_experts", 9_223_372_036_854_775_807,
      "`moe_num_shared_experts` is 9223372036854775807, not a number from 0 to 838860"),
    Case("ernie4_5_moe", "moe_layer_start_index", "1", "`moe_layer_start_index` is a string, not a whole number"),
    Case("ernie4_5_moe", "moe_layer_end_index", [1], "`moe_layer_end_index` is a list, not a whole number"),
    Case("deepseek_v2", "n_group", "4", "`n_group` is a string, not a whole number"),
    Case("deepseek_v2", "first_k_dense_replace", "1", "`first_k_dense_replace` is a string, not a whole number"),
    Case("deepseek_v3", "moe_layer_freq", 2, "`moe_layer_freq` is `2`, which is not supported"),
    Case("deepseek_v3", "scoring_func", "softmax", "`scoring_func` is `softmax`, which is not supported"),
    Case("deepseek_v2", "scoring_func", "sigmoid", "`scoring_func` is `\"sigmoid\"`, which is not supported"),
    Case("deepseek_v2", "moe_layer_freq", 2, "`moe_layer_freq` is `2`, which is not supported"),
    Case("mixtral", "router_jitter_noise", 0.1, "`router_jitter_noise` is `0.1`, which is not supported"),
    Case("mixtral", "router_jitter_noise", "x", "`router_jitter_noise` is `\"x\"`, which is not supported"),
    Case("qwen3_moe", "sliding_window", "x", "`sliding_window` is a string, not a whole number"),
    Case("exaone4", "sliding_window_pattern", "LLXG", "`sliding_window_pattern` is `X`, which is not supported"),
    Case("glm4_moe", "n_group", 3, "8 experts do not divide into 3 groups evenly"),
    Case("deepseek_v3", "topk_group", 9, "9 groups cannot be chosen of 4"),
    Case("deepseek_v3", "topk_group", 1, "3 experts cannot be chosen of 1 groups with 2 each"),
    Case("deepseek_v3", "n_group", 8, "Groups are chosen by their two best experts and have one"),
    Case("glm4_moe_lite", "mlp_layer_types", ["dense", "foo"], "`mlp_layer_types` is `foo`, which is not supported"),
    Case(
      "granitemoeshared", "shared_intermediate_size", "9", "`shared_intermediate_size` is a string, not a whole number"),
    Case("qwen2_moe", "mlp_only_layers", ["0"], "`mlp_only_layers` is a string, not a list of whole numbers"),
    Case("qwen2-window", "max_window_layers", "1", "`max_window_layers` is a string, not a whole number"),
    Case("gpt_oss", "swiglu_limit", "x", "`swiglu_limit` is a string, not a number"),
    Case("mpt", "attn_config", "x", "`attn_config` is a string, not an object"),
    Case("mpt", "attn_config", ["clip_qkv": "12"], "`attn_config.clip_qkv` is a string, not a number"),
    Case("llama", "rope_parameters", "x", "`rope_parameters` is a string, not an object"),
    Case("llama", "rope_scaling", 5, "`rope_scaling` is a number, not an object"),
    Case(
      "llama", "rope_scaling", ["rope_type": "yarn", "factor": 2, "mscale": "x"],
      "`rope_scaling.mscale` is a string, not a number"),
    Case(
      "gemma3", "rope_parameters", ["full_attention": 5, "sliding_attention": ["rope_type": "default"]],
      "`rope_parameters.full_attention` is a number, not an object"),
    Case(
      "gemma3", "rope_parameters", ["rope_type": "default", "rope_theta": 5000.0],
      "The model's configuration has no `rope_parameters.full_attention`"),
    Case("gemma3", "layer_types", "sliding_attention", "`layer_types` is a string, not a list"),
    Case("gemma3", "attn_logit_softcapping", 0.5, "`attn_logit_softcapping` is `0.5`, which is not supported"),
    Case("ministral", "sliding_window", .null, "The model's configuration has no `sliding_window`"),
    Case("gemma3", "sliding_window", .null, "The model's configuration has no `sliding_window`"),
    Case("olmo3", "sliding_window", .null, "The model's configuration has no `sliding_window`"),
    Case("cohere2", "sliding_window", .null, "The model's configuration has no `sliding_window`"),
    Case("gpt_oss", "sliding_window", .null, "The model's configuration has no `sliding_window`"),
    Case("gpt_oss", "rope_parameters", .null, "The model's configuration has no `rope_parameters`"),
    Case(
      "qwen2_moe", "layer_types", ["full_attention", "sliding_attention"],
      "`layer_types` names blocks with a window, and `use_sliding_window` is not set"),
    Case(
      "bloom", "num_attention_heads", 2, "`n_head` and `num_attention_heads` mean the same and have different values"),
    Case("gpt2", "hidden_size", 2, "`n_embd` and `hidden_size` mean the same and have different values"),
    Case(
      "phi3", "rope_scaling", ["type": "linear", "factor": 2.0],
      "`rope_scaling.rope_type` is `linear`, which is not supported"),
    Case(
      "phi3", "rope_scaling", ["type": "yarn", "factor": 2.0],
      "The model's configuration has no `rope_scaling.short_factor`"),
    Case(
      "gpt_oss", "num_experts", 3,
      "`num_local_experts` and `num_experts` mean the same and have different values"),
    Case(
      "gpt_oss", "experts_per_token", 1,
      "`num_experts_per_tok` and `experts_per_token` mean the same and have different values"),
    Case(
      "phi3-window", "layer_types", ["full_attention", "sliding_attention"],
      "`layer_types` is `full_attention`, which is not supported"),
    Case(
      "mixtral", "layer_types", ["full_attention", "sliding_attention"],
      "`layer_types` is `sliding_attention`, which is not supported"),
  ]

  @Test(arguments: cases)
  func isRefused(test: Case) throws {
    let values = try FamilyFixture(test.variant).values
    var object = try #require(values["config"]?.object)
    // The older spelling goes before the newer one only where that is not there.
    if test.key == "rope_scaling" { object["rope_parameters"] = nil }
    object[test.key] = test.value
    do {
      _ = try ModelConfiguration(huggingFace: .object(object))
      Issue.record("was taken")
    } catch { #expect(diagnostics(of: error).map(\.summary).contains(test.message), "\(diagnostics(of: error))") }
  }

  /// What fixtures say of keys of their families: what is refused, and what published files have besides.
  @Test(arguments: FamilyTests.names)
  func asTheFixtureSays(name: String) throws {
    let fixture = try FamilyFixture(name)
    let config = try #require(fixture.values["config"]?.object)
    if let taken = fixture.values["taken"]?.object {
      var object = config
      for (key, value) in taken.members { object[key] = value }
      #expect(try ModelConfiguration(huggingFace: .object(object)) == fixture.configuration())
    }
    for refused in fixture.values["refused"]?.array ?? [] {
      var object = config
      object[try #require(refused["key"]?.string)] = refused["value"]
      do {
        _ = try ModelConfiguration(huggingFace: .object(object))
        Issue.record("\(name) \(refused.text()) was taken")
      } catch {
        let found = diagnostics(of: error).map(\.summary)
        #expect(found.contains(refused["message"]?.string ?? ""), "\(name) \(refused.text()): \(found)")
      }
    }
  }

  /// Keys of published files that transformers does not look at, with the values that they have there.
  static let published: [(variant: String, members: JSON)] = [
    ("gemma2", ["cache_implementation": "hybrid"]), ("gemma3", ["cache_implementation": "hybrid"]),
    ("cohere2", ["cache_implementation": "hybrid"]), ("gpt_oss", ["initial_context_length": 4096]),
    ("starcoder2", ["norm_type": "layer_norm", "mlp_type": "default"]),
    (
      "phi4mini",
      ["full_attn_mod": 1, "interpolate_factor": 1, "mlp_bias": false, "attention_bias": false, "lm_head_bias": false]
    ), ("glm4_moe_lite", ["topk_method": "noaux_tc", "num_nextn_predict_layers": 1]),
    ("glm4_moe", ["num_nextn_predict_layers": 1]), ("dots1", ["scoring_func": "sigmoid", "topk_method": "noaux_tc"]),
    ("deepseek_v3", ["scoring_func": "sigmoid", "topk_method": "noaux_tc", "model_type": "kimi_k2"]),
    (
      "hunyuan_v1_moe",
      [
        "use_mixed_mlp_moe": true, "moe_layer_num_skipped": 0, "moe_drop_tokens": false, "mlp_bias": false,
        "moe_random_routing_dropped_token": false, "anyres_pooling_size": 2,
      ]
    ),
  ]

  @Test(arguments: published.indices)
  func publishedFilesAreTaken(index: Int) throws {
    let (variant, members) = Self.published[index]
    let fixture = try FamilyFixture(variant)
    var object = try #require(fixture.values["config"]?.object)
    for (key, value) in members.object?.members ?? [] { object[key] = value }
    #expect(try ModelConfiguration(huggingFace: .object(object)) == fixture.configuration())
    // A value that means something else is told.
    for (key, value) in members.object?.members ?? []
    where ![
      "cache_implementation", "initial_context_length", "num_nextn_predict_layers", "model_type", "anyres_pooling_size",
    ].contains(key) && !key.hasPrefix("moe_drop") && !key.hasPrefix("moe_random") {
      var other = object
      other[key] = value.bool.map { .bool(!$0) } ?? (value.string == nil ? 7 : "other")
      #expect(throws: ModelConfigurationError.self, "\(variant) \(key)") {
        try ModelConfiguration(huggingFace: .object(other))
      }
    }
  }

  /// As transformers writes it where all blocks are alike.
  @Test func aListOfEqualNumbersIsTheNumber() throws {
    let values = try FamilyFixture("hunyuan_v1_moe").values
    var object = try #require(values["config"]?.object)
    object["moe_topk"] = [3, 3]
    #expect(try ModelConfiguration(huggingFace: .object(object)).blocks[1].experts?.rule.chosen == 3)
  }
}
