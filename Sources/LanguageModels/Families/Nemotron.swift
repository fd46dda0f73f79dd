import PreciseJSON
import Tensors

/// Nemotron (arXiv:2402.16819): LayerNorm whose files hold the difference from 1, positions that turn half of each head, no
/// gate.
package enum Nemotron: ModelFamily {
  package static let name = "nemotron"
  package static let models = "Nemotron-4, Minitron 4B and 8B"
  package static let modelTypes = ["nemotron"]
  package static let modelClass = "NemotronForCausalLM"
  package static let gguf: GGUFLayout? = GGUFLayout(
    architecture: "nemotron", names: DecoderShape.ggufNames, normOffset: 1)

  private static func defaults(_ activation: Activation) -> DecoderDefaults {
    DecoderDefaults(
      rotary: RotaryDefaults(partialFactor: 0.5), activations: activation.names, epsilonKey: "norm_eps", epsilon: 1e-5)
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
    configuration(
      DecoderShape(&reader, epsilonKey: "attention.layer_norm_epsilon"), .reluSquared,
      biases: DecoderShape.biases(reader))
  }

  private static func configuration(
    _ shape: DecoderShape, _ activation: Activation, biases: Set<DecoderShape.Map>
  ) -> ModelConfiguration {
    let function = NormFunction(.layer, epsilon: shape.normEpsilon, weightOffset: 1)
    let norm = NormConfiguration("norm", function, hasBias: true)
    return shape.configuration(Nemotron.self, biases: biases, norm: norm) { block, _ in
      block.feedForward = shape.plain("mlp.up_proj", "mlp.down_proj", activation, hasBias: biases.contains(.up))
    }
  }
}
