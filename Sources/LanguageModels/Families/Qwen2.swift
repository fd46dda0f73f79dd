import PreciseJSON

/// Qwen 2 and 2.5 (arXiv:2407.10671): biases on query, key and value; the upper blocks may see a window.
package enum Qwen2: ModelFamily {
  package static let name = "qwen2"
  package static let models = "Qwen 1.5, Qwen 2, Qwen 2.5, QwQ"
  package static let modelTypes = ["qwen2"]
  package static let modelClass = "Qwen2ForCausalLM"
  package static let gguf: GGUFLayout? = GGUFLayout(architecture: "qwen2", names: DecoderShape.ggufNames)

  static let defaults = DecoderDefaults(keyValueHeads: 32)

  package static func read(_ reader: inout ConfigurationReader) -> ModelConfiguration {
    let shape = DecoderShape(&reader, defaults)
    let windows = upperWindows(&reader, shape.layerCount)
    // Some files have these keys, and transformers passes over them here.
    _ = (reader.flag("attention_bias", default: false), reader.flag("mlp_bias", default: false))
    return shape.configuration(Qwen2.self, biases: [.query, .key, .value]) { block, layer in
      block.attention.window = windows[layer]
    }
  }

  package static func write(_ configuration: ModelConfiguration) -> [(key: String, value: JSON)] {
    DecoderShape(configuration).members(defaults) + upperWindowMembers(configuration)
  }

  package static func read(gguf reader: inout GGUFReader) -> ModelConfiguration {
    let shape = DecoderShape(&reader)
    return shape.configuration(Qwen2.self, biases: DecoderShape.biases(reader))
  }

  /// Windows as the Qwen families have them: only where `use_sliding_window` is set, from block `max_window_layers` on.
  static func upperWindows(_ reader: inout ConfigurationReader, _ layers: Int) -> [Int?] {
    let first = reader.whole("max_window_layers", default: 28)
    let hasWindow = reader.hasWindow(default: true)
    return reader.switchedWindows(layers, default: 4096) { hasWindow && $0 >= first }
  }

  /// The members that ``upperWindows(_:_:)`` reads back.
  static func upperWindowMembers(_ configuration: ModelConfiguration) -> [(key: String, value: JSON)] {
    let isWindowed = configuration.blocks.contains { $0.attention.window != nil }
    return configuration.windowMembers + [("use_sliding_window", JSON(isWindowed))]
  }
}
