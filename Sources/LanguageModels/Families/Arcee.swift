import PreciseJSON
import Tensors

/// Arcee's foundation models (2025): Llama without a gate, whose feed-forward part squares what is above 0.
package enum Arcee: ModelFamily {
  package static let name = "arcee"
  package static let models = "Arcee AFM-4.5B"
  package static let modelTypes = ["arcee"]
  package static let modelClass = "ArceeForCausalLM"
  package static let gguf: GGUFLayout? = GGUFLayout(
    architecture: "arcee", names: DecoderShape.ggufNames, interleavesHeads: true)

  private static func defaults(_ activation: Activation) -> DecoderDefaults {
    DecoderDefaults(activations: activation.names, epsilon: 1e-5)
  }

  package static func read(_ reader: inout ConfigurationReader) -> ModelConfiguration {
    let activation = reader.activation("hidden_act", default: .reluSquared)
    return configuration(
      DecoderShape(&reader, defaults(activation)), activation, biases: DecoderShape.biases(&reader))
  }

  package static func write(_ configuration: ModelConfiguration) -> [(key: String, value: JSON)] {
    let activation = configuration.blocks[0].feedForward.activation ?? .reluSquared
    return DecoderShape(configuration).members(defaults(activation)) + DecoderShape.biasMembers(configuration)
  }

  package static func read(gguf reader: inout GGUFReader) -> ModelConfiguration {
    configuration(DecoderShape(&reader), .reluSquared, biases: DecoderShape.biases(reader))
  }

  private static func configuration(
    _ shape: DecoderShape, _ activation: Activation, biases: Set<DecoderShape.Map>
  ) -> ModelConfiguration {
    shape.configuration(Arcee.self, biases: biases) { block, _ in
      block.feedForward = shape.plain("mlp.up_proj", "mlp.down_proj", activation, hasBias: biases.contains(.up))
    }
  }
}
