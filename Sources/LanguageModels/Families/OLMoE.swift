import PreciseJSON
import Tensors

/// OLMoE (arXiv:2409.02060): norms of all queries and all keys together, experts in every block.
package enum OLMoE: ModelFamily {
  package static let name = "olmoe"
  package static let models = "OLMoE 1B-7B"
  package static let modelTypes = ["olmoe"]
  package static let modelClass = "OlmoeForCausalLM"
  package static let gguf: GGUFLayout? = GGUFLayout(architecture: "olmoe", names: Qwen3.ggufNames)

  private static let defaults = DecoderDefaults(epsilon: 1e-5)

  package static func read(_ reader: inout ConfigurationReader) -> ModelConfiguration {
    let shape = DecoderShape(&reader, defaults)
    let experts = ExpertReader(&reader, countKeys: ["num_experts"], sizeKey: "intermediate_size")
    let rule = Qwen2MoE.rule(&reader, chosen: experts.chosen)
    let clip = reader.lookup("clip_qkv") == nil ? nil : Float(reader.positiveReal("clip_qkv"))
    let biases = reader.flag("attention_bias", default: false) ? DecoderShape.attentionMaps : []
    return configuration(shape, experts, rule, biases: biases, clip: clip)
  }

  /// Files do not say whether the weights of the chosen experts are made to add up to 1: they are not.
  package static func read(gguf reader: inout GGUFReader) -> ModelConfiguration {
    let shape = DecoderShape(&reader)
    let experts = ExpertReader(&reader, sizeKey: "feed_forward_length")
    let rule = Qwen2MoE.rule(gguf: &reader, chosen: experts.chosen, normalises: false)
    let clip = reader.realUnlessZero("attention.clamp_kqv").map { Float($0) }
    return configuration(shape, experts, rule, biases: DecoderShape.biases(reader), clip: clip)
  }

  private static func configuration(
    _ shape: DecoderShape, _ experts: ExpertReader, _ rule: RoutingRule, biases: Set<DecoderShape.Map>, clip: Float?
  ) -> ModelConfiguration {
    shape.configuration(OLMoE.self, biases: biases) { block, _ in
      block.attention.queryNorm = HeadNormConfiguration(.rms("self_attn.q_norm", epsilon: shape.normEpsilon), .all)
      block.attention.keyNorm = HeadNormConfiguration(.rms("self_attn.k_norm", epsilon: shape.normEpsilon), .all)
      block.attention.clip = clip
      block.experts = experts.configuration(shape, rule: rule)
    }
  }

  package static func write(_ configuration: ModelConfiguration) -> [(key: String, value: JSON)] {
    let (attention, experts) = (configuration.blocks[0].attention, configuration.experts)
    var shape = DecoderShape(configuration)
    shape.feedForwardSize = experts?.size ?? 1
    return shape.members(defaults) + [
      ("attention_bias", JSON(attention.maps.allSatisfy(\.hasBias))),
      ("clip_qkv", attention.clip.map { JSON(float: $0) } ?? .null),
      ("norm_topk_prob", JSON(experts?.rule.normalisation != RoutingRule.Normalisation.none)),
      ("num_experts", JSON(experts?.count ?? 1)), ("num_experts_per_tok", JSON(experts?.rule.chosen ?? 1)),
    ]
  }
}
