import PreciseJSON
import Tensors

/// FlexOlmo (arXiv:2507.07024): OLMo 2's blocks with experts, which were trained apart from each other.
package enum FlexOlmo: ModelFamily {
  package static let name = "flex_olmo"
  package static let models = "FlexOlmo 7x7B"
  package static let modelTypes = ["flex_olmo"]
  package static let modelClass = "FlexOlmoForCausalLM"

  private static let defaults = DecoderDefaults(rotary: RotaryDefaults(base: 500_000))

  package static func read(_ reader: inout ConfigurationReader) -> ModelConfiguration {
    let shape = DecoderShape(&reader, defaults)
    let experts = ExpertReader(
      &reader, countKeys: ["num_experts", "num_local_experts"], sizeKey: "intermediate_size")
    let rule = Qwen2MoE.rule(&reader, chosen: experts.chosen)
    let biases = reader.flag("attention_bias", default: false) ? DecoderShape.attentionMaps : []
    return Olmo2.configuration(shape, FlexOlmo.self, biases: biases) { block, _ in
      block.experts = experts.configuration(shape, rule: rule)
    }
  }

  package static func write(_ configuration: ModelConfiguration) -> [(key: String, value: JSON)] {
    let experts = configuration.experts
    return DecoderShape(configuration).members(defaults) + [
      ("attention_bias", JSON(configuration.blocks[0].attention.maps.allSatisfy(\.hasBias))),
      ("norm_topk_prob", JSON(experts?.rule.normalisation != RoutingRule.Normalisation.none)),
      ("num_experts", JSON(experts?.count ?? 1)), ("num_experts_per_tok", JSON(experts?.rule.chosen ?? 1)),
    ]
  }
}
