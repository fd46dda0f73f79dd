import PreciseJSON
import Tensors

/// GLM-4.5 (arXiv:2508.06471): experts as DeepSeek-V3 has them, attention whose heads turn in part.
package enum GLM4MoE: ModelFamily {
  package static let name = "glm4_moe"
  package static let models = "GLM-4.5, GLM-4.6"
  package static let modelTypes = ["glm4_moe"]
  package static let modelClass = "Glm4MoeForCausalLM"
  package static let gguf: GGUFLayout? = GGUFLayout(
    architecture: "glm4moe",
    names: Qwen3.ggufNames.merging(["post_attention_layernorm": "post_attention_norm"]) { $1 })

  private static let defaults = DecoderDefaults(
    rotary: RotaryDefaults(partialFactor: 0.5), epsilon: 1e-5, keyValueHeads: 8)

  package static func read(_ reader: inout ConfigurationReader) -> ModelConfiguration {
    let shape = DecoderShape(&reader, defaults)
    let mixture = DeepseekExperts(&reader, dense: 1)
    let rule = DeepseekV3.rule(&reader, chosen: mixture.experts.chosen)
    let normsHeads = reader.flag("use_qk_norm", default: false)
    let hasBias = reader.flag("attention_bias", default: false)
    // The prediction of further tokens, which is not computed.
    _ = reader.lookup("num_nextn_predict_layers")
    return configuration(
      shape, mixture, rule, biases: hasBias ? [.query, .key, .value] : [], normsHeads: normsHeads)
  }

  /// A block that predicts further tokens is counted among the blocks; it is not computed, and refused.
  package static func read(gguf reader: inout GGUFReader) -> ModelConfiguration {
    let shape = DecoderShape(&reader)
    let mixture = DeepseekExperts(&reader)
    let rule = DeepseekV3.rule(gguf: &reader, chosen: mixture.experts.chosen)
    reader.values.require(reader.key("nextn_predict_layers"), 0)
    return configuration(
      shape, mixture, rule, biases: DecoderShape.biases(reader), normsHeads: reader.has("attn_q_norm.weight"))
  }

  private static func configuration(
    _ shape: DecoderShape, _ mixture: DeepseekExperts, _ rule: RoutingRule, biases: Set<DecoderShape.Map>,
    normsHeads: Bool
  ) -> ModelConfiguration {
    shape.configuration(GLM4MoE.self, biases: biases) { block, layer in
      if normsHeads { Qwen3.addHeadNorms(&block.attention, shape) }
      block.experts = mixture.configuration(shape, layer: layer, rule: rule)
      block.experts?.correction = DeepseekV3.correction(mixture.experts.count)
    }
  }

  package static func write(_ configuration: ModelConfiguration) -> [(key: String, value: JSON)] {
    let attention = configuration.blocks[0].attention
    return DecoderShape(configuration).members(defaults) + DeepseekExperts.members(configuration)
      + DeepseekV3.members(configuration) + [
        ("attention_bias", JSON(attention.maps[0].hasBias)), ("use_qk_norm", JSON(attention.queryNorm != nil)),
      ]
  }
}
