import PreciseJSON

/// OLMo 2 (arXiv:2501.00656): norms of what both halves of a block give, and of all queries and all keys together.
package enum Olmo2: ModelFamily {
  package static let name = "olmo2"
  package static let models = "OLMo 2"
  package static let modelTypes = ["olmo2"]
  package static let modelClass = "Olmo2ForCausalLM"
  package static let gguf: GGUFLayout? = GGUFLayout(architecture: "olmo2", names: ggufNames)

  static let ggufNames = DecoderShape.ggufNames.merging([
    "post_attention_layernorm": "post_attention_norm", "post_feedforward_layernorm": "post_ffw_norm",
    "self_attn.q_norm": "attn_q_norm", "self_attn.k_norm": "attn_k_norm",
  ]) { $1 }

  static let defaults = DecoderDefaults(epsilon: 1e-5)

  package static func read(_ reader: inout ConfigurationReader) -> ModelConfiguration {
    let shape = DecoderShape(&reader, defaults)
    let biases = reader.flag("attention_bias", default: false) ? DecoderShape.attentionMaps : []
    return configuration(shape, Olmo2.self, biases: biases)
  }

  package static func write(_ configuration: ModelConfiguration) -> [(key: String, value: JSON)] {
    DecoderShape(configuration).members(defaults) + [
      ("attention_bias", JSON(configuration.blocks[0].attention.maps.allSatisfy(\.hasBias)))
    ]
  }

  package static func read(gguf reader: inout GGUFReader) -> ModelConfiguration {
    configuration(DecoderShape(&reader), Olmo2.self, biases: DecoderShape.biases(reader))
  }

  /// What OLMo 2 and 3 have.
  static func configuration(
    _ shape: DecoderShape, _ family: any ModelFamily.Type, biases: Set<DecoderShape.Map>,
    change: (inout BlockConfiguration, Int) -> Void = { _, _ in }
  ) -> ModelConfiguration {
    shape.configuration(family, biases: biases) { block, layer in
      normOutputs(&block, shape)
      block.attention.queryNorm = HeadNormConfiguration(.rms("self_attn.q_norm", epsilon: shape.normEpsilon), .all)
      block.attention.keyNorm = HeadNormConfiguration(.rms("self_attn.k_norm", epsilon: shape.normEpsilon), .all)
      change(&block, layer)
    }
  }

  /// Norms of what the halves of a block give in place of those of what they read.
  static func normOutputs(_ block: inout BlockConfiguration, _ shape: DecoderShape) {
    (block.attentionNorm, block.feedForwardNorm) = (nil, nil)
    block.attentionOutputNorm = .rms("post_attention_layernorm", epsilon: shape.normEpsilon)
    block.feedForwardOutputNorm = .rms("post_feedforward_layernorm", epsilon: shape.normEpsilon)
  }
}
