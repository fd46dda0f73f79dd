import PreciseJSON

/// OLMo 3 (arXiv:2512.13961): OLMo 2 with a window in three blocks of four, whose rotary positions are never scaled.
package enum Olmo3: ModelFamily {
  package static let name = "olmo3"
  package static let models = "OLMo 3"
  package static let modelTypes = ["olmo3"]
  package static let modelClass = "Olmo3ForCausalLM"
  /// Its files say `olmo2`; this family reads those of OLMo 2 too.
  package static let gguf: GGUFLayout? = Olmo2.gguf

  package static func read(_ reader: inout ConfigurationReader) -> ModelConfiguration {
    let shape = DecoderShape(&reader, Olmo2.defaults)
    let windows = reader.windows(shape.layerCount, default: 4096) { ($0 + 1) % 4 != 0 }
    let biases = reader.flag("attention_bias", default: false) ? DecoderShape.attentionMaps : []
    return configuration(shape, biases: biases, windows)
  }

  package static func write(_ configuration: ModelConfiguration) -> [(key: String, value: JSON)] {
    var shape = DecoderShape(configuration)
    shape.rotary = configuration.blocks.first { $0.attention.window == nil }?.attention.rotary ?? shape.rotary
    return shape.members(Olmo2.defaults) + configuration.namedWindowMembers + [
      ("attention_bias", JSON(configuration.blocks[0].attention.maps.allSatisfy(\.hasBias)))
    ]
  }

  package static func read(gguf reader: inout GGUFReader) -> ModelConfiguration {
    let shape = DecoderShape(&reader)
    let biases = DecoderShape.biases(reader)
    let windows = reader.windows(shape.layerCount, period: 4)
    return windows.allSatisfy { $0 == nil }
      ? Olmo2.configuration(shape, Olmo2.self, biases: biases) : configuration(shape, biases: biases, windows)
  }

  private static func configuration(
    _ shape: DecoderShape, biases: Set<DecoderShape.Map>, _ windows: [Int?]
  ) -> ModelConfiguration {
    Olmo2.configuration(shape, Olmo3.self, biases: biases) { block, layer in
      block.attention.window = windows[layer]
      if windows[layer] != nil { block.attention.rotary?.scaling = .none }
    }
  }
}
