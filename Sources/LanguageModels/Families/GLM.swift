import PreciseJSON

/// GLM-4-9B and GLM-Edge (arXiv:2406.12793): positions turn neighbours in the first half of each head, one map makes gate
/// and up.
package enum GLM: ModelFamily {
  package static let name = "glm"
  package static let models = "GLM-4-9B (`-hf`), GLM-Edge"
  package static let modelTypes = ["glm"]
  package static let modelClass = "GlmForCausalLM"
  package static let gguf: GGUFLayout? = GGUFLayout(
    architecture: "chatglm", names: DecoderShape.ggufNames.merging(["mlp.gate_up_proj": "ffn_up"]) { $1 })

  private static let defaults = DecoderDefaults(
    rotary: RotaryDefaults(partialFactor: 0.5, turnsPairs: true), epsilon: 1.5625e-07, keyValueHeads: 2,
    headDimension: 128)

  package static func read(_ reader: inout ConfigurationReader) -> ModelConfiguration {
    configuration(&reader, GLM.self)
  }

  package static func write(_ configuration: ModelConfiguration) -> [(key: String, value: JSON)] {
    DecoderShape(configuration).members(defaults) + [
      ("attention_bias", JSON(configuration.blocks[0].attention.maps[0].hasBias))
    ]
  }

  package static func read(gguf reader: inout GGUFReader) -> ModelConfiguration {
    configuration(&reader, GLM.self)
  }

  /// What GLM and GLM 4 have, of `config.json`.
  static func configuration(
    _ reader: inout ConfigurationReader, _ family: any ModelFamily.Type,
    change: (inout BlockConfiguration, DecoderShape) -> Void = { _, _ in }
  ) -> ModelConfiguration {
    let shape = DecoderShape(&reader, defaults)
    let hasBiases = reader.flag("attention_bias", default: true)
    return configuration(shape, family, biases: hasBiases ? [.query, .key, .value] : [], change)
  }

  /// The same of a GGUF file.
  static func configuration(
    _ reader: inout GGUFReader, _ family: any ModelFamily.Type,
    change: (inout BlockConfiguration, DecoderShape) -> Void = { _, _ in }
  ) -> ModelConfiguration {
    let shape = DecoderShape(&reader, turnsPairs: true)
    return configuration(shape, family, biases: DecoderShape.biases(reader), change)
  }

  private static func configuration(
    _ shape: DecoderShape, _ family: any ModelFamily.Type, biases: Set<DecoderShape.Map>,
    _ change: (inout BlockConfiguration, DecoderShape) -> Void
  ) -> ModelConfiguration {
    shape.configuration(family, biases: biases) { block, _ in
      block.feedForward = shape.fusedGate("mlp.gate_up_proj", "mlp.down_proj")
      change(&block, shape)
    }
  }
}
