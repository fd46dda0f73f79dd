import PreciseJSON

/// Seed-OSS (ByteDance, 2025): Llama with biases on queries, keys and values, and heads of a size of their own.
package enum SeedOSS: ModelFamily {
  package static let name = "seed_oss"
  package static let models = "Seed-OSS-36B"
  package static let modelTypes = ["seed_oss"]
  package static let modelClass = "SeedOssForCausalLM"
  package static let gguf: GGUFLayout? = GGUFLayout(
    architecture: "seed_oss",
    names: DecoderShape.ggufNames.merging([DecoderShape.feedForwardNorm: "post_attention_norm"]) { $1 })

  private static let defaults = DecoderDefaults(keyValueHeads: 8, headDimension: 128)

  package static func read(_ reader: inout ConfigurationReader) -> ModelConfiguration {
    let shape = DecoderShape(&reader, defaults)
    var biases: Set<DecoderShape.Map> = reader.flag("attention_bias", default: true) ? [.query, .key, .value] : []
    if reader.flag("attention_out_bias", default: false) { biases.insert(.output) }
    if reader.flag("mlp_bias", default: false) { biases.formUnion(DecoderShape.feedForwardMaps) }
    return shape.configuration(SeedOSS.self, biases: biases)
  }

  package static func write(_ configuration: ModelConfiguration) -> [(key: String, value: JSON)] {
    let block = configuration.blocks[0]
    return DecoderShape(configuration).members(defaults) + [
      ("attention_bias", JSON(block.attention.maps[0].hasBias)),
      ("attention_out_bias", JSON(block.attention.output.hasBias)),
      ("mlp_bias", JSON(block.feedForward.down.hasBias)),
    ]
  }

  package static func read(gguf reader: inout GGUFReader) -> ModelConfiguration {
    let shape = DecoderShape(&reader)
    return shape.configuration(SeedOSS.self, biases: DecoderShape.biases(reader))
  }
}
