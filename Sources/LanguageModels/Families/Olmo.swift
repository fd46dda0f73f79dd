import PreciseJSON
import Tensors

/// OLMo (arXiv:2402.00838): norms without weights, and queries, keys and values that may be held within bounds.
package enum Olmo: ModelFamily {
  package static let name = "olmo"
  package static let models = "OLMo 1"
  package static let modelTypes = ["olmo"]
  package static let modelClass = "OlmoForCausalLM"
  package static let gguf: GGUFLayout? = GGUFLayout(
    architecture: "olmo", names: DecoderShape.ggufNames, interleavesHeads: true)

  private static let defaults = DecoderDefaults(epsilonKey: nil, epsilon: 1e-5)

  package static func read(_ reader: inout ConfigurationReader) -> ModelConfiguration {
    let shape = DecoderShape(&reader, defaults)
    let biases = reader.flag("attention_bias", default: false) ? DecoderShape.attentionMaps : []
    let clip = reader.lookup("clip_qkv") == nil ? nil : Float(reader.positiveReal("clip_qkv"))
    return configuration(shape, biases: biases, clip: clip)
  }

  package static func write(_ configuration: ModelConfiguration) -> [(key: String, value: JSON)] {
    let attention = configuration.blocks[0].attention
    return DecoderShape(configuration).members(defaults) + [
      ("attention_bias", JSON(attention.maps.allSatisfy(\.hasBias))),
      ("clip_qkv", attention.clip.map { JSON(float: $0) } ?? .null),
    ]
  }

  package static func read(gguf reader: inout GGUFReader) -> ModelConfiguration {
    let shape = DecoderShape(&reader, epsilonKey: "attention.layer_norm_epsilon")
    let clips = reader.values.lookup(reader.key("attention.clamp_kqv")).map { $0.double != 0 } ?? false
    let clip = clips ? Float(reader.positiveReal("attention.clamp_kqv")) : nil
    return configuration(shape, biases: DecoderShape.biases(reader), clip: clip)
  }

  private static func configuration(
    _ shape: DecoderShape, biases: Set<DecoderShape.Map>, clip: Float?
  ) -> ModelConfiguration {
    let norm = NormConfiguration("norm", NormFunction(.layer, epsilon: shape.normEpsilon), hasWeight: false)
    return shape.configuration(Olmo.self, biases: biases, norm: norm) { block, _ in block.attention.clip = clip }
  }
}
