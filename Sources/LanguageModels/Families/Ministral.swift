import PreciseJSON

/// Ministral of 8 billion parameters: Mistral of which each block may see a window or all.
package enum Ministral: ModelFamily {
  package static let name = "ministral"
  package static let models = "Ministral 8B with windows in some blocks"
  package static let modelTypes = ["ministral"]
  package static let modelClass = "MinistralForCausalLM"
  /// Its files say `llama`, and nothing of windows.
  package static let gguf: GGUFLayout? = nil

  package static func read(_ reader: inout ConfigurationReader) -> ModelConfiguration {
    let shape = DecoderShape(&reader, Mistral.defaults)
    let hasWindow = reader.hasWindow(default: true)
    let windows = reader.windows(shape.layerCount, default: 4096) { _ in hasWindow }
    return shape.configuration(Ministral.self) { block, layer in block.attention.window = windows[layer] }
  }

  package static func write(_ configuration: ModelConfiguration) -> [(key: String, value: JSON)] {
    Mistral.write(configuration)
  }
}
