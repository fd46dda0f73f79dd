import PreciseJSON
import Tensors

/// Jais 2 (Inception and MBZUAI, 2025): Llama with LayerNorm, biases everywhere, and no gate.
package enum Jais2: ModelFamily {
  package static let name = "jais2"
  package static let models = "Jais 2 8B and 70B"
  package static let modelTypes = ["jais2"]
  package static let modelClass = "Jais2ForCausalLM"

  private static func defaults(_ activation: Activation) -> DecoderDefaults {
    DecoderDefaults(activations: activation.names, epsilonKey: "layer_norm_eps", epsilon: 1e-5)
  }

  package static func read(_ reader: inout ConfigurationReader) -> ModelConfiguration {
    let activation = reader.activation("hidden_act", default: .reluSquared)
    let shape = DecoderShape(&reader, defaults(activation))
    let biases = reader.flag("attention_bias", default: true) ? DecoderShape.attentionMaps : []
    let hasBias = reader.flag("mlp_bias", default: true)
    return shape.configuration(Jais2.self, biases: biases, norm: .layer("norm", epsilon: shape.normEpsilon)) {
      block, _ in
      block.feedForward = shape.plain("mlp.up_proj", "mlp.down_proj", activation, hasBias: hasBias)
    }
  }

  package static func write(_ configuration: ModelConfiguration) -> [(key: String, value: JSON)] {
    let activation = configuration.blocks[0].feedForward.activation ?? .reluSquared
    return DecoderShape(configuration).members(defaults(activation)) + DecoderShape.biasMembers(configuration)
  }
}
