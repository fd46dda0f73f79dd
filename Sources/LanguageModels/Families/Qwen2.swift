import PreciseJSON

/// Qwen 2 and 2.5 (arXiv:2407.10671): biases on query, key and value.
package enum Qwen2: ModelFamily {
  package static let name = "qwen2"
  package static let modelTypes = ["qwen2"]
  package static let modelClass = "Qwen2ForCausalLM"
  package static let names = ModelNames()
  package static let gguf: GGUFLayout? = GGUFLayout(architecture: "qwen2", names: DecoderShape.ggufNames)

  package static func read(_ reader: inout ConfigurationReader) -> ModelConfiguration {
    let shape = DecoderShape(&reader)
    // Some files have these keys, and transformers passes over them here.
    _ = (reader.flag("attention_bias", default: false), reader.flag("mlp_bias", default: false))
    return shape.configuration(Qwen2.self, biases: [.query, .key, .value])
  }

  package static func write(_ configuration: ModelConfiguration) -> [(key: String, value: JSON)] {
    DecoderShape(configuration).members
  }

  package static func read(gguf reader: inout GGUFReader) -> ModelConfiguration {
    let shape = DecoderShape(&reader)
    return shape.configuration(Qwen2.self, biases: DecoderShape.biases(reader))
  }
}
