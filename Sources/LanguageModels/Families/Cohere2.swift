import PreciseJSON

/// Command R7B, Command A and Aya Expanse 2 (arXiv:2504.00698): Command R with a window in three blocks of four; the fourth
/// knows no positions.
package enum Cohere2: ModelFamily {
  package static let name = "cohere2"
  package static let models = "Command R7B, Command A"
  package static let modelTypes = ["cohere2"]
  package static let modelClass = "Cohere2ForCausalLM"
  package static let gguf: GGUFLayout? = GGUFLayout(architecture: "cohere2", names: DecoderShape.ggufNames)

  private static var defaults: DecoderDefaults {
    var defaults = Cohere.defaults
    defaults.rotary.base = 10_000
    return defaults
  }

  package static func read(_ reader: inout ConfigurationReader) -> ModelConfiguration {
    let shape = DecoderShape(&reader, defaults)
    let biases = reader.flag("attention_bias", default: false) ? DecoderShape.attentionMaps : []
    let pattern = reader.positive(
      "sliding_window_pattern", default: reader.positive("_sliding_window_pattern", default: 4))
    let windows = reader.windows(shape.layerCount, default: 4096) { ($0 + 1) % pattern != 0 }
    // Of the first files: what transformers always does, and other words for the pattern.
    reader.require("order_of_interleaved_layers", "local_attn_first")
    reader.require("position_embedding_type", "rope_gptj")
    reader.require("use_gated_activation", true)
    reader.require("use_parallel_block", true)
    reader.passOver("cache_implementation", "layer_switch", "use_embedding_sharing", "use_parallel_embedding")
    return configuration(shape, biases: biases, scale: Cohere.scale(&reader), windows)
  }

  package static func write(_ configuration: ModelConfiguration) -> [(key: String, value: JSON)] {
    DecoderShape(configuration).members(defaults) + Cohere.members(configuration) + configuration.namedWindowMembers
  }

  package static func read(gguf reader: inout GGUFReader) -> ModelConfiguration {
    let shape = DecoderShape(&reader, turnsPairs: true, epsilonKey: "attention.layer_norm_epsilon")
    let windows = reader.windows(shape.layerCount, period: 4)
    let scale = reader.positiveReal("logit_scale")
    return configuration(shape, biases: DecoderShape.biases(reader), scale: scale, windows)
  }

  private static func configuration(
    _ shape: DecoderShape, biases: Set<DecoderShape.Map>, scale: Double, _ windows: [Int?]
  ) -> ModelConfiguration {
    Cohere.configuration(shape, Cohere2.self, biases: biases, scale: scale) { block, layer in
      block.attention.window = windows[layer]
      if windows[layer] == nil { block.attention.rotary = nil }
    }
  }
}
