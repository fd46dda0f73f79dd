import PreciseJSON

/// Mistral (arXiv:2310.06825): Llama's blocks without biases, of which each may see a window.
package enum Mistral: ModelFamily {
  package static let name = "mistral"
  package static let models = "Mistral 7B, Mistral Nemo, Mistral Small"
  package static let modelTypes = ["mistral"]
  package static let modelClass = "MistralForCausalLM"
  /// Its files say `llama`, so that they are read as such.
  package static let gguf: GGUFLayout? = nil

  static let defaults = DecoderDefaults(keyValueHeads: 8)

  package static func read(_ reader: inout ConfigurationReader) -> ModelConfiguration {
    let shape = DecoderShape(&reader, defaults)
    let hasWindow = reader.hasWindow(default: true)
    let windows = reader.windows(shape.layerCount, default: 4096) { _ in hasWindow }
    // Some files have these keys, and transformers passes over them here.
    _ = (reader.flag("attention_bias", default: false), reader.flag("mlp_bias", default: false))
    return shape.configuration(Mistral.self) { block, layer in block.attention.window = windows[layer] }
  }

  package static func write(_ configuration: ModelConfiguration) -> [(key: String, value: JSON)] {
    DecoderShape(configuration).members(defaults) + configuration.windowMembers
  }
}
