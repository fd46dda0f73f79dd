import PreciseJSON

/// InternLM 2 and 2.5 (arXiv:2403.17297): Llama with other names and one map that makes for each key-value head its queries,
/// its key and its value.
package enum InternLM2: ModelFamily {
  package static let name = "internlm2"
  package static let models = "InternLM 2 and 2.5"
  package static let modelTypes = ["internlm2"]
  package static let modelClass = "InternLM2ForCausalLM"
  package static let names = ModelNames(embedding: "model.tok_embeddings", head: "output")
  /// Its files hold queries, keys and values as three maps with rows in another order.
  package static let gguf: GGUFLayout? = nil

  package static func read(_ reader: inout ConfigurationReader) -> ModelConfiguration {
    let shape = DecoderShape(&reader)
    let hasBias = reader.flag("bias", default: true)
    let norm = NormConfiguration.rms("norm", epsilon: shape.normEpsilon)
    return shape.configuration(InternLM2.self) { block, _ in
      block.attentionNorm = norm.named("attention_norm")
      block.feedForwardNorm = norm.named("ffn_norm")
      block.attention.projections = .fused(shape.fused("attention.wqkv", hasBias: hasBias), .grouped)
      block.attention.output = shape.output("attention.wo", hasBias: hasBias)
      block.feedForward = shape.gated("feed_forward.w1", "feed_forward.w3", "feed_forward.w2")
    }
  }

  package static func write(_ configuration: ModelConfiguration) -> [(key: String, value: JSON)] {
    DecoderShape(configuration).members() + [
      ("bias", JSON(configuration.blocks[0].attention.maps.allSatisfy(\.hasBias)))
    ]
  }
}
