import PreciseJSON

/// Gemma 2 (arXiv:2408.00118): Gemma with norms around both halves of a block, capped scores, and a window in every other
/// block.
package enum Gemma2: ModelFamily {
  package static let name = "gemma2"
  package static let models = "Gemma 2"
  package static let modelTypes = ["gemma2"]
  package static let modelClass = "Gemma2ForCausalLM"
  package static let gguf: GGUFLayout? = GGUFLayout(architecture: "gemma2", names: ggufNames, normOffset: 1)

  static let ggufNames = DecoderShape.ggufNames.merging([
    "post_attention_layernorm": "post_attention_norm", "pre_feedforward_layernorm": "ffn_norm",
    "post_feedforward_layernorm": "post_ffw_norm",
  ]) { $1 }

  static let defaults = DecoderDefaults(
    activations: ["gelu_pytorch_tanh"], activationKey: "hidden_activation", tiesHead: true, keyValueHeads: 4,
    headDimension: 256)

  package static func read(_ reader: inout ConfigurationReader) -> ModelConfiguration {
    let shape = DecoderShape(&reader, defaults)
    let windows = reader.windows(shape.layerCount, default: 4096) { $0 % 2 == 0 }
    let scale = 1 / Float(reader.positiveReal("query_pre_attn_scalar", default: 256)).squareRoot()
    let biases = reader.flag("attention_bias", default: false) ? DecoderShape.attentionMaps : []
    let (scores, logits) = (
      cap(&reader, "attn_logit_softcapping", default: 50), cap(&reader, "final_logit_softcapping", default: 30)
    )
    // What was written beside `hidden_activation`.
    _ = reader.lookup("hidden_act")
    var configuration = configuration(shape, Gemma2.self, biases: biases) { block, layer in
      block.attention.scale = scale
      block.attention.window = windows[layer]
      block.attention.softCap = scores
    }
    configuration.head.softCap = logits
    return configuration
  }

  package static func write(_ configuration: ModelConfiguration) -> [(key: String, value: JSON)] {
    DecoderShape(configuration).members(defaults) + members(configuration)
  }

  package static func read(gguf reader: inout GGUFReader) -> ModelConfiguration {
    let shape = DecoderShape(&reader)
    let window = reader.positive("attention.sliding_window", default: 4096)
    let (scores, logits) = (
      reader.positiveReal("attn_logit_softcapping", default: 50),
      reader.positiveReal("final_logit_softcapping", default: 30)
    )
    var configuration = configuration(shape, Gemma2.self) { block, layer in
      // The model of 27 billion parameters does not divide by the root of its heads' size.
      if shape.layerCount == 46 {
        block.attention.scale = 1 / (Float(shape.hiddenSize) / Float(shape.queryHeads)).squareRoot()
      }
      block.attention.window = layer % 2 == 0 ? window : nil
      block.attention.softCap = Float(scores)
    }
    configuration.head.softCap = Float(logits)
    return configuration
  }

  /// A cap that null switches off.
  static func cap(_ reader: inout ConfigurationReader, _ key: String, default fallback: Double?) -> Float? {
    if reader.isNull(key) || fallback == nil && reader.lookup(key) == nil { return nil }
    return Float(reader.positiveReal(key, default: fallback))
  }

  /// The members of `config.json` that say what Gemma 2 and 3 have besides Gemma.
  static func members(_ configuration: ModelConfiguration) -> [(key: String, value: JSON)] {
    let attention = configuration.blocks[0].attention
    func cap(_ value: Float?) -> JSON { value.map { JSON(float: $0) } ?? .null }
    return configuration.namedWindowMembers + [
      ("attention_bias", JSON(attention.maps.allSatisfy(\.hasBias))),
      ("attn_logit_softcapping", cap(attention.softCap)),
      ("final_logit_softcapping", cap(configuration.head.softCap)),
      // transformers takes whole numbers alone.
      ("query_pre_attn_scalar", JSON(Int((1 / (attention.scale * attention.scale)).rounded()))),
    ]
  }

  /// Gemma with norms before and after both halves of a block.
  static func configuration(
    _ shape: DecoderShape, _ family: any ModelFamily.Type, biases: Set<DecoderShape.Map> = [],
    change: (inout BlockConfiguration, Int) -> Void
  ) -> ModelConfiguration {
    func norm(_ name: String) -> NormConfiguration { .rms(name, epsilon: shape.normEpsilon, weightOffset: 1) }
    return Gemma.configuration(shape, family, biases: biases) { block, layer in
      block.attentionOutputNorm = norm("post_attention_layernorm")
      block.feedForwardNorm = norm("pre_feedforward_layernorm")
      block.feedForwardOutputNorm = norm("post_feedforward_layernorm")
      change(&block, layer)
    }
  }
}
