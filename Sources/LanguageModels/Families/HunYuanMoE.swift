import PreciseJSON
import Tensors

/// Hunyuan-A13B: heads normed after they are turned, experts with one that all share.
package enum HunYuanMoE: ModelFamily {
  package static let name = "hunyuan_v1_moe"
  package static let models = "Hunyuan A13B"
  package static let modelTypes = ["hunyuan_v1_moe"]
  package static let modelClass = "HunYuanMoEV1ForCausalLM"
  package static let gguf: GGUFLayout? = GGUFLayout(architecture: "hunyuan-moe", names: HunYuan.ggufNames)

  package static func read(_ reader: inout ConfigurationReader) -> ModelConfiguration {
    let shape = DecoderShape(&reader, HunYuan.defaults)
    let count = reader.positive("num_experts")
    let chosen = reader.positiveOfAllBlocks("moe_topk", default: 1, atMost: count)
    // What transformers passes over: experts and the shared part are as wide as `intermediate_size`.
    reader.passOver("moe_intermediate_size", "num_shared_expert")
    HunYuan.requireText(&reader)
    // Of the published file: what transformers always does, or does not look at.
    reader.require("use_mixed_mlp_moe", true)
    reader.require("mlp_bias", false)
    reader.require("moe_layer_num_skipped", 0)
    reader.passOver("moe_drop_tokens", "moe_random_routing_dropped_token", "anyres_pooling_size")
    let biases = reader.flag("attention_bias", default: false) ? DecoderShape.attentionMaps : []
    return configuration(shape, count: count, chosen: chosen, biases: biases)
  }

  /// Converters write a larger base for what `config.json` calls `alpha`.
  ///
  /// Experts and the shared part are of one size.
  package static func read(gguf reader: inout GGUFReader) -> ModelConfiguration {
    let shape = DecoderShape(&reader)
    let experts = ExpertReader(&reader, sizeKey: "feed_forward_length")
    reader.requireGating(1)
    reader.values.require(reader.key("expert_shared_count"), 1)
    for name in ["expert_feed_forward_length", "expert_shared_feed_forward_length"] {
      reader.values.require(reader.key(name), JSON(shape.feedForwardSize))
    }
    return configuration(
      shape, count: experts.count, chosen: experts.chosen, biases: DecoderShape.biases(reader))
  }

  private static func configuration(
    _ shape: DecoderShape, count: Int, chosen: Int, biases: Set<DecoderShape.Map>
  ) -> ModelConfiguration {
    shape.configuration(HunYuanMoE.self, biases: biases) { block, _ in
      HunYuan.addHeadNorms(&block.attention, shape)
      var experts = ExpertsConfiguration(
        width: shape.hiddenSize, count: count, size: shape.feedForwardSize, router: "mlp.gate.wg",
        storage: .each(prefix: "mlp.experts", gate: "gate_proj", up: "up_proj", down: "down_proj"),
        rule: RoutingRule(chosen: chosen, normalisation: .sum(epsilon: 0)))
      experts.share("mlp.shared_mlp", size: shape.feedForwardSize)
      block.experts = experts
    }
  }

  package static func write(_ configuration: ModelConfiguration) -> [(key: String, value: JSON)] {
    let experts = configuration.experts
    return DecoderShape(configuration).members(HunYuan.defaults) + [
      ("attention_bias", JSON(configuration.blocks[0].attention.maps.allSatisfy(\.hasBias))),
      ("moe_topk", JSON(experts?.rule.chosen ?? 1)), ("num_experts", JSON(experts?.count ?? 1)),
    ]
  }
}
