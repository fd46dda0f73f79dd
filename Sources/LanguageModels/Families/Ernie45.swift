import PreciseJSON

/// ERNIE 4.5 without experts (Baidu, 2025): Llama with positions that turn neighbours.
package enum Ernie45: ModelFamily {
  package static let name = "ernie4_5"
  package static let models = "ERNIE 4.5 without experts"
  package static let modelTypes = ["ernie4_5"]
  package static let modelClass = "Ernie4_5ForCausalLM"
  package static let gguf: GGUFLayout? = GGUFLayout(architecture: "ernie4_5", names: DecoderShape.ggufNames)

  static let defaults = DecoderDefaults(
    rotary: RotaryDefaults(base: 500_000, turnsPairs: true), epsilon: 1e-5, tiesHead: true, keyValueHeads: 2,
    headDimension: 128)

  package static func read(_ reader: inout ConfigurationReader) -> ModelConfiguration {
    let shape = DecoderShape(&reader, defaults)
    let biases = reader.flag("use_bias", default: false) ? Set(DecoderShape.Map.allCases) : []
    return shape.configuration(Ernie45.self, biases: biases)
  }

  package static func write(_ configuration: ModelConfiguration) -> [(key: String, value: JSON)] {
    DecoderShape(configuration).members(defaults) + [
      ("use_bias", JSON(configuration.blocks[0].maps.allSatisfy(\.hasBias)))
    ]
  }

  package static func read(gguf reader: inout GGUFReader) -> ModelConfiguration {
    let shape = DecoderShape(&reader, turnsPairs: true)
    return shape.configuration(Ernie45.self, biases: DecoderShape.biases(reader))
  }
}
