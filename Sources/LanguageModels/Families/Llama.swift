import PreciseJSON

/// Llama (arXiv:2302.13971, 2307.09288, 2407.21783) and what shares its architecture: SmolLM2, TinyLlama.
package enum Llama: ModelFamily {
  package static let name = "llama"
  package static let modelTypes = ["llama"]
  package static let modelClass = "LlamaForCausalLM"
  package static let gguf: GGUFLayout? = GGUFLayout(
    architecture: "llama", names: DecoderShape.ggufNames, interleavesHeads: true)

  package static func read(_ reader: inout ConfigurationReader) -> ModelConfiguration {
    let shape = DecoderShape(&reader)
    var biases: Set<DecoderShape.Map> = []
    if reader.flag("attention_bias", default: false) { biases.formUnion(DecoderShape.attentionMaps) }
    if reader.flag("mlp_bias", default: false) { biases.formUnion(DecoderShape.feedForwardMaps) }
    return shape.configuration(Llama.self, biases: biases)
  }

  package static func write(_ configuration: ModelConfiguration) -> [(key: String, value: JSON)] {
    let block = configuration.blocks[0]
    return DecoderShape(configuration).members() + [
      ("attention_bias", JSON(block.attention.maps.allSatisfy(\.hasBias))),
      ("mlp_bias", JSON(block.feedForward.maps.allSatisfy(\.hasBias))),
    ]
  }

  package static func read(gguf reader: inout GGUFReader) -> ModelConfiguration {
    let shape = DecoderShape(&reader)
    return shape.configuration(Llama.self, biases: DecoderShape.biases(reader))
  }
}
