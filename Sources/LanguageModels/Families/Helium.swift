import PreciseJSON

/// Helium (Kyutai, 2025): Llama with positions that turn neighbours.
package enum Helium: ModelFamily {
  package static let name = "helium"
  package static let models = "Helium 1 2B"
  package static let modelTypes = ["helium"]
  package static let modelClass = "HeliumForCausalLM"

  private static let defaults = DecoderDefaults(
    rotary: RotaryDefaults(base: 100_000, turnsPairs: true), epsilon: 1e-8, keyValueHeads: 20, headDimension: 128)

  package static func read(_ reader: inout ConfigurationReader) -> ModelConfiguration {
    let shape = DecoderShape(&reader, defaults)
    if shape.queryHeads * shape.headDimension != shape.hiddenSize {
      reader.report(
        .inconsistent(
          "\(shape.queryHeads) heads of \(shape.headDimension) elements are not as wide as the hidden size "
            + "\(shape.hiddenSize)"))
    }
    return shape.configuration(Helium.self, biases: DecoderShape.biases(&reader).subtracting([.output]))
  }

  package static func write(_ configuration: ModelConfiguration) -> [(key: String, value: JSON)] {
    let block = configuration.blocks[0]
    return DecoderShape(configuration).members(defaults) + [
      ("attention_bias", JSON(block.attention.maps[0].hasBias)),
      ("mlp_bias", JSON(block.feedForward.maps.allSatisfy(\.hasBias))),
    ]
  }
}
