import PreciseJSON

/// Llama (arXiv:2302.13971, 2307.09288, 2407.21783) and what shares its architecture: SmolLM2, TinyLlama.
package enum Llama: ModelFamily {
  package static let name = "llama"
  package static let models = "Llama 1 to 3.3, SmolLM 1 and 2, TinyLlama, Yi, Falcon 3"
  package static let modelTypes = ["llama"]
  package static let modelClass = "LlamaForCausalLM"
  package static let gguf: GGUFLayout? = GGUFLayout(
    architecture: "llama", names: DecoderShape.ggufNames, interleavesHeads: true)

  package static func read(_ reader: inout ConfigurationReader) -> ModelConfiguration {
    let shape = DecoderShape(&reader)
    return shape.configuration(Llama.self, biases: DecoderShape.biases(&reader))
  }

  package static func write(_ configuration: ModelConfiguration) -> [(key: String, value: JSON)] {
    DecoderShape(configuration).members() + DecoderShape.biasMembers(configuration)
  }

  /// Files of Mixtral say this architecture and how many experts there are.
  package static func read(gguf reader: inout GGUFReader) -> ModelConfiguration {
    if reader.hasExperts { return Mixtral.read(gguf: &reader) }
    let shape = DecoderShape(&reader)
    return shape.configuration(Llama.self, biases: DecoderShape.biases(reader))
  }
}
