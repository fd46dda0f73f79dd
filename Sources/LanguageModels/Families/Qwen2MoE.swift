import PreciseJSON
import Tensors

/// Qwen 1.5 and 2 with experts (arXiv:2407.10671): a shared expert that a gate weighs, dense blocks between.
package enum Qwen2MoE: ModelFamily {
  package static let name = "qwen2_moe"
  package static let models = "Qwen 1.5 MoE, Qwen 2 57B-A14B"
  package static let modelTypes = ["qwen2_moe"]
  package static let modelClass = "Qwen2MoeForCausalLM"
  package static let gguf: GGUFLayout? = GGUFLayout(architecture: "qwen2moe", names: DecoderShape.ggufNames)

  private static let defaults = DecoderDefaults(keyValueHeads: 16)

  package static func read(_ reader: inout ConfigurationReader) -> ModelConfiguration {
    let shape = DecoderShape(&reader, defaults)
    let last = reader.whole("max_window_layers", default: 28)
    let windows = reader.switchedWindows(shape.layerCount, default: 4096) { $0 % 2 == 0 && $0 < last }
    let isSparse = sparseLayers(&reader, shape.layerCount)
    let experts = ExpertReader(&reader, countKeys: ["num_experts"])
    let shared = reader.positive("shared_expert_intermediate_size", default: 5632)
    let rule = rule(&reader, chosen: experts.chosen)
    let hasBias = reader.flag("qkv_bias", default: true)
    return shape.configuration(Qwen2MoE.self, biases: hasBias ? [.query, .key, .value] : []) { block, layer in
      block.attention.window = windows[layer]
      if isSparse[layer] { block.experts = configuration(shape, experts, shared: shared, rule) }
    }
  }

  private static func configuration(
    _ shape: DecoderShape, _ experts: ExpertReader, shared: Int, _ rule: RoutingRule
  ) -> ExpertsConfiguration {
    var configuration = experts.configuration(shape, rule: rule)
    configuration.share("mlp.shared_expert", size: shared)
    configuration.sharedGate = LinearConfiguration(
      "mlp.shared_expert_gate", inputs: shape.hiddenSize, outputs: 1, int8Products: .none)
    return configuration
  }

  package static func write(_ configuration: ModelConfiguration) -> [(key: String, value: JSON)] {
    DecoderShape(configuration).members(defaults) + Qwen2.upperWindowMembers(configuration) + members(configuration) + [
      ("num_experts", JSON(configuration.experts?.count ?? 1)),
      ("qkv_bias", JSON(configuration.maps[0].hasBias)),
      ("shared_expert_intermediate_size", JSON(configuration.experts?.shared?.size ?? 1)),
    ]
  }

  /// Files do not say which blocks have experts, nor whether the weights of the chosen ones are made to add up to 1: all
  /// have them, and they are not.
  package static func read(gguf reader: inout GGUFReader) -> ModelConfiguration {
    let shape = DecoderShape(&reader)
    let experts = ExpertReader(&reader)
    let shared = reader.positive("expert_shared_feed_forward_length", default: shape.feedForwardSize)
    let rule = rule(gguf: &reader, chosen: experts.chosen, normalises: false)
    return shape.configuration(Qwen2MoE.self, biases: DecoderShape.biases(reader)) { block, _ in
      block.experts = configuration(shape, experts, shared: shared, rule)
    }
  }

  /// How experts are chosen.
  ///
  /// - Parameter normalises: What the family's published models do, which files do not say as a rule.
  static func rule(gguf reader: inout GGUFReader, chosen: Int, normalises: Bool) -> RoutingRule {
    reader.requireGating(1)
    let isOne = reader.flag("expert_weights_norm", default: normalises)
    return RoutingRule(chosen: chosen, normalisation: isOne ? .sum(epsilon: 0) : .none)
  }

  /// Which blocks have experts: every `decoder_sparse_step`-th, but for those that `mlp_only_layers` names.
  static func sparseLayers(_ reader: inout ConfigurationReader, _ layers: Int) -> [Bool] {
    let step = reader.positive("decoder_sparse_step", default: 1)
    let named = reader.list("mlp_only_layers") ?? []
    if let other = named.first(where: { $0.int == nil }) {
      reader.report(.wrongKind(key: "mlp_only_layers", wanted: "a list of whole numbers", found: other.kind))
    }
    let dense = Set(named.compactMap(\.int))
    return (0..<layers).map { ($0 + 1) % step == 0 && !dense.contains($0) }
  }

  /// How experts are chosen: by a softmax over all, perhaps of sum 1 for the chosen.
  static func rule(_ reader: inout ConfigurationReader, chosen: Int) -> RoutingRule {
    RoutingRule(
      chosen: chosen, normalisation: reader.flag("norm_topk_prob", default: false) ? .sum(epsilon: 0) : .none)
  }

  /// The members of `config.json` that ``sparseLayers(_:_:)`` and ``rule(_:chosen:)`` read.
  static func members(_ configuration: ModelConfiguration) -> [(key: String, value: JSON)] {
    let experts = configuration.experts
    return [
      ("mlp_only_layers", .array(configuration.denseLayers.map { JSON($0) })),
      ("moe_intermediate_size", JSON(experts?.size ?? 1)),
      ("norm_topk_prob", JSON(experts?.rule.normalisation != RoutingRule.Normalisation.none)),
      ("num_experts_per_tok", JSON(experts?.rule.chosen ?? 1)),
    ]
  }
}
