import PreciseJSON

/// SmolLM3 (Hugging Face, 2025): Llama without positions in every fourth block.
package enum SmolLM3: ModelFamily {
  package static let name = "smollm3"
  package static let models = "SmolLM 3"
  package static let modelTypes = ["smollm3"]
  package static let modelClass = "SmolLM3ForCausalLM"
  package static let gguf: GGUFLayout? = GGUFLayout(
    architecture: "smollm3", names: DecoderShape.ggufNames, interleavesHeads: true)

  private static let defaults = DecoderDefaults(
    rotary: RotaryDefaults(base: 2_000_000), tiesHead: true, keyValueHeads: 4)

  package static func read(_ reader: inout ConfigurationReader) -> ModelConfiguration {
    let shape = DecoderShape(&reader, defaults)
    let turns = turnedBlocks(&reader, shape.layerCount)
    let hasWindow = reader.hasWindow(default: false)
    let windows = reader.switchedWindows(shape.layerCount) { hasWindow && !turns[$0] }
    return shape.configuration(SmolLM3.self, biases: DecoderShape.biases(&reader)) { block, layer in
      block.attention.window = windows[layer]
      if !turns[layer] { block.attention.rotary = nil }
    }
  }

  package static func write(_ configuration: ModelConfiguration) -> [(key: String, value: JSON)] {
    let attentions = configuration.blocks.map(\.attention)
    return DecoderShape(configuration).members(defaults) + DecoderShape.biasMembers(configuration)
      + configuration.windowMembers + [
        ("no_rope_layers", .array(attentions.map { JSON($0.rotary == nil ? 0 : 1) })),
        ("use_sliding_window", JSON(attentions.contains { $0.window != nil })),
      ]
  }

  package static func read(gguf reader: inout GGUFReader) -> ModelConfiguration {
    let shape = DecoderShape(&reader)
    return shape.configuration(SmolLM3.self, biases: DecoderShape.biases(reader)) { block, layer in
      if (layer + 1) % 4 == 0 { block.attention.rotary = nil }
    }
  }

  /// Which blocks turn queries and keys: those that have 1 in `no_rope_layers`, else all but every fourth.
  private static func turnedBlocks(_ reader: inout ConfigurationReader, _ layers: Int) -> [Bool] {
    let interval = reader.positive("no_rope_layer_interval", default: 4)
    guard let list = reader.lookup("no_rope_layers") else { return (1...layers).map { $0 % interval != 0 } }
    let turns = list.array?.compactMap(\.int) ?? []
    if turns.count != layers {
      reader.report(.inconsistent("`no_rope_layers` names \(turns.count) blocks of \(layers)"))
    }
    return (0..<layers).map { !turns.indices.contains($0) || turns[$0] != 0 }
  }
}
