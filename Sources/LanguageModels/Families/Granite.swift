import PreciseJSON

/// Granite 3 and 4 without experts (IBM): Llama with factors for embeddings, scores of attention, what blocks add, and
/// logits.
package enum Granite: ModelFamily {
  package static let name = "granite"
  package static let models = "Granite 3 without experts"
  package static let modelTypes = ["granite"]
  package static let modelClass = "GraniteForCausalLM"
  package static let gguf: GGUFLayout? = GGUFLayout(
    architecture: "granite", names: DecoderShape.ggufNames, interleavesHeads: true)

  package static func read(_ reader: inout ConfigurationReader) -> ModelConfiguration {
    let shape = DecoderShape(&reader)
    var configuration = shape.configuration(Granite.self, biases: DecoderShape.biases(&reader))
    Factors(&reader).apply(to: &configuration)
    return configuration
  }

  package static func write(_ configuration: ModelConfiguration) -> [(key: String, value: JSON)] {
    DecoderShape(configuration).members() + DecoderShape.biasMembers(configuration) + Factors(configuration).members
  }

  package static func read(gguf reader: inout GGUFReader) -> ModelConfiguration {
    let shape = DecoderShape(&reader)
    var configuration = shape.configuration(Granite.self, biases: DecoderShape.biases(reader))
    Factors(&reader).apply(to: &configuration)
    return configuration
  }

  /// What the Granite families multiply with.
  struct Factors {
    var embedding = 1.0
    /// Of q·k; nil where the size of the heads tells.
    var attention: Double?
    var residual = 1.0
    /// What logits are divided by.
    var logits = 1.0

    init(_ reader: inout ConfigurationReader) {
      embedding = reader.positiveReal("embedding_multiplier", default: 1)
      attention = reader.positiveReal("attention_multiplier", default: 1)
      residual = reader.positiveReal("residual_multiplier", default: 1)
      logits = reader.positiveReal("logits_scaling", default: 1)
    }

    /// Converters leave out what is 0 or not there.
    init(_ reader: inout GGUFReader) {
      embedding = reader.positiveReal("embedding_scale", default: 1)
      attention =
        reader.values.lookup(reader.key("attention.scale")) == nil ? nil : reader.positiveReal("attention.scale")
      residual = reader.positiveReal("residual_scale", default: 1)
      logits = reader.positiveReal("logit_scale")
    }

    init(_ configuration: ModelConfiguration) {
      embedding = Double(configuration.embedding.scale)
      attention = Double(configuration.blocks[0].attention.scale)
      residual = Double(configuration.blocks[0].residualScale)
      logits = Double(1 / configuration.head.scale)
    }

    func apply(to configuration: inout ModelConfiguration) {
      configuration.embedding.scale = Float(embedding)
      configuration.head.scale = Float(1 / logits)
      for layer in configuration.blocks.indices {
        if let attention { configuration.blocks[layer].attention.scale = Float(attention) }
        configuration.blocks[layer].residualScale = Float(residual)
      }
    }

    var members: [(key: String, value: JSON)] {
      [
        ("attention_multiplier", JSON(float: Float(attention ?? 1))),
        ("embedding_multiplier", JSON(float: Float(embedding))), ("logits_scaling", JSON(float: Float(logits))),
        ("residual_multiplier", JSON(float: Float(residual))),
      ]
    }
  }
}
