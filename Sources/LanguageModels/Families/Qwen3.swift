import PreciseJSON

/// Qwen 3 (arXiv:2505.09388): Qwen 2 without biases, with norms of the queries and keys of each head.
package enum Qwen3: ModelFamily {
  package static let name = "qwen3"
  package static let models = "Qwen 3"
  package static let modelTypes = ["qwen3"]
  package static let modelClass = "Qwen3ForCausalLM"
  package static let gguf: GGUFLayout? = GGUFLayout(architecture: "qwen3", names: ggufNames)

  static let ggufNames = DecoderShape.ggufNames(
    with: ["self_attn.q_norm": "attn_q_norm", "self_attn.k_norm": "attn_k_norm"])

  static let defaults = DecoderDefaults(keyValueHeads: 32, headDimension: 128)

  package static func read(_ reader: inout ConfigurationReader) -> ModelConfiguration {
    let shape = DecoderShape(&reader, defaults)
    let windows = Qwen2.upperWindows(&reader, shape.layerCount)
    let biases = reader.flag("attention_bias", default: false) ? DecoderShape.attentionMaps : []
    return shape.configuration(Qwen3.self, biases: biases) { block, layer in
      block.attention.window = windows[layer]
      addHeadNorms(&block.attention, shape)
    }
  }

  package static func write(_ configuration: ModelConfiguration) -> [(key: String, value: JSON)] {
    DecoderShape(configuration).members(defaults) + Qwen2.upperWindowMembers(configuration) + [
      ("attention_bias", JSON(configuration.blocks[0].attention.maps.allSatisfy(\.hasBias)))
    ]
  }

  package static func read(gguf reader: inout GGUFReader) -> ModelConfiguration {
    let shape = DecoderShape(&reader)
    return shape.configuration(Qwen3.self, biases: DecoderShape.biases(reader)) { block, _ in
      addHeadNorms(&block.attention, shape)
    }
  }

  /// RMSNorm of the queries and keys of each head.
  static func addHeadNorms(_ attention: inout AttentionConfiguration, _ shape: DecoderShape) {
    attention.queryNorm = HeadNormConfiguration(.rms("self_attn.q_norm", epsilon: shape.normEpsilon))
    attention.keyNorm = HeadNormConfiguration(.rms("self_attn.k_norm", epsilon: shape.normEpsilon))
  }
}
