import PreciseJSON

/// Command R and Aya 23 (Cohere): both halves of a block read the same norm, positions turn neighbours, logits are scaled.
package enum Cohere: ModelFamily {
  package static let name = "cohere"
  package static let models = "Command R, Aya 23"
  package static let modelTypes = ["cohere"]
  package static let modelClass = "CohereForCausalLM"
  package static let gguf: GGUFLayout? = GGUFLayout(
    architecture: "command-r",
    names: DecoderShape.ggufNames.merging(["self_attn.q_norm": "attn_q_norm", "self_attn.k_norm": "attn_k_norm"]) { $1 }
  )

  static let defaults = DecoderDefaults(
    rotary: RotaryDefaults(base: 500_000, turnsPairs: true), epsilonKey: "layer_norm_eps", epsilon: 1e-5, tiesHead: true
  )

  package static func read(_ reader: inout ConfigurationReader) -> ModelConfiguration {
    let shape = DecoderShape(&reader, defaults)
    let biases = reader.flag("attention_bias", default: false) ? DecoderShape.attentionMaps : []
    let normsHeads = reader.flag("use_qk_norm", default: false)
    return configuration(shape, Cohere.self, biases: biases, scale: scale(&reader)) { block, _ in
      if normsHeads { addHeadNorms(&block.attention, shape) }
    }
  }

  package static func write(_ configuration: ModelConfiguration) -> [(key: String, value: JSON)] {
    DecoderShape(configuration).members(defaults) + members(configuration) + [
      ("use_qk_norm", JSON(configuration.blocks[0].attention.queryNorm != nil))
    ]
  }

  package static func read(gguf reader: inout GGUFReader) -> ModelConfiguration {
    let shape = DecoderShape(&reader, turnsPairs: true, epsilonKey: "attention.layer_norm_epsilon")
    let scale = reader.positiveReal("logit_scale", default: 1)
    let normsHeads = reader.has("attn_q_norm.weight")
    return configuration(shape, Cohere.self, biases: DecoderShape.biases(reader), scale: scale) { block, _ in
      if normsHeads { addHeadNorms(&block.attention, shape) }
    }
  }

  /// What logits are multiplied by.
  static func scale(_ reader: inout ConfigurationReader) -> Double {
    reader.positiveReal("logit_scale", default: 0.0625)
  }

  /// What Command R and its successors have.
  static func configuration(
    _ shape: DecoderShape, _ family: any ModelFamily.Type, biases: Set<DecoderShape.Map>, scale: Double,
    change: (inout BlockConfiguration, Int) -> Void
  ) -> ModelConfiguration {
    let norm = NormConfiguration.layer("norm", epsilon: shape.normEpsilon, hasBias: false)
    var configuration = shape.configuration(family, biases: biases, norm: norm) { block, layer in
      block.wiring = .parallel
      block.feedForwardNorm = nil
      change(&block, layer)
    }
    configuration.head.scale = Float(scale)
    return configuration
  }

  /// The members that say it.
  static func members(_ configuration: ModelConfiguration) -> [(key: String, value: JSON)] {
    [
      ("attention_bias", JSON(configuration.blocks[0].attention.maps.allSatisfy(\.hasBias))),
      ("logit_scale", JSON(float: configuration.head.scale)),
    ]
  }

  private static func addHeadNorms(_ attention: inout AttentionConfiguration, _ shape: DecoderShape) {
    func norm(_ name: String) -> HeadNormConfiguration {
      HeadNormConfiguration(.layer(name, epsilon: shape.normEpsilon, hasBias: false), .ownHead)
    }
    (attention.queryNorm, attention.keyNorm) = (norm("self_attn.q_norm"), norm("self_attn.k_norm"))
  }
}
