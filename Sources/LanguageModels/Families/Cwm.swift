import PreciseJSON

/// The Code World Model (arXiv:2510.02387): Llama 3 with a window in three blocks of four.
package enum Cwm: ModelFamily {
  package static let name = "cwm"
  package static let models = "Code World Model 32B (CWM)"
  package static let modelTypes = ["cwm"]
  package static let modelClass = "CwmForCausalLM"

  private static let defaults = DecoderDefaults(
    rotary: RotaryDefaults(base: 1_000_000), epsilon: 1e-5, keyValueHeads: 8, headDimension: 128)

  package static func read(_ reader: inout ConfigurationReader) -> ModelConfiguration {
    var shape = DecoderShape(&reader, defaults)
    if reader.lookup("rope_parameters") == nil, reader.lookup("rope_scaling") == nil {
      shape.rotary?.base = 1_000_000
      shape.rotary?.scaling = .llama3(
        factor: 16, lowFrequencyFactor: 1, highFrequencyFactor: 4, originalMaximumPosition: 8192)
    }
    let windows = reader.windows(shape.layerCount, default: 8192) { $0 % 4 != 0 }
    let biases = reader.flag("mlp_bias", default: false) ? DecoderShape.feedForwardMaps : []
    reader.require("attention_bias", false)
    return shape.configuration(Cwm.self, biases: biases) { block, layer in block.attention.window = windows[layer] }
  }

  package static func write(_ configuration: ModelConfiguration) -> [(key: String, value: JSON)] {
    // Positions that are not scaled have to be said.
    let isPlain = configuration.blocks[0].attention.rotary?.scaling == RotaryScaling.none
    let rotary: [(key: String, value: JSON)] = isPlain ? [("rope_scaling", ["rope_type": "default"])] : []
    return DecoderShape(configuration).members(defaults).filter { member in !rotary.contains { $0.key == member.key } }
      + rotary + configuration.namedWindowMembers + [
        ("mlp_bias", JSON(configuration.blocks[0].feedForward.maps.allSatisfy(\.hasBias)))
      ]
  }
}
