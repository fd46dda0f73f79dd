import PreciseJSON
import Tensors

/// Phi 1, 1.5 and 2 (arXiv:2306.11644, 2309.05463): both halves of a block read the same norm, positions turn a part of each
/// head, everything has biases.
package enum Phi: ModelFamily {
  package static let name = "phi"
  package static let models = "Phi 1, 1.5 and 2"
  package static let modelTypes = ["phi"]
  package static let modelClass = "PhiForCausalLM"
  package static let names = ModelNames(finalNorm: "model.final_layernorm")
  package static let gguf: GGUFLayout? = GGUFLayout(
    architecture: "phi2",
    names: DecoderShape.ggufNames.merging([
      "self_attn.dense": "attn_output", "mlp.fc1": "ffn_up", "mlp.fc2": "ffn_down",
    ]) { $1 })

  private static let defaults = DecoderDefaults(
    rotary: RotaryDefaults(partialFactor: 0.5), activations: ["gelu_new", "gelu_pytorch_tanh", "gelu_fast"],
    epsilonKey: "layer_norm_eps", epsilon: 1e-5)

  package static func read(_ reader: inout ConfigurationReader) -> ModelConfiguration {
    let shape = DecoderShape(&reader, defaults)
    return configuration(shape, normsHeads: reader.flag("qk_layernorm", default: false))
  }

  package static func write(_ configuration: ModelConfiguration) -> [(key: String, value: JSON)] {
    DecoderShape(configuration).members(defaults) + [
      ("qk_layernorm", JSON(configuration.blocks[0].attention.queryNorm != nil))
    ]
  }

  package static func read(gguf reader: inout GGUFReader) -> ModelConfiguration {
    configuration(DecoderShape(&reader, epsilonKey: "attention.layer_norm_epsilon"), normsHeads: false)
  }

  private static func configuration(_ shape: DecoderShape, normsHeads: Bool) -> ModelConfiguration {
    func norm(_ name: String) -> NormConfiguration { .layer(name, epsilon: shape.normEpsilon) }
    var configuration = shape.configuration(Phi.self, biases: [.query, .key, .value], norm: norm("norm")) { block, _ in
      block.wiring = .parallel
      block.feedForwardNorm = nil
      block.attention.output = shape.output("self_attn.dense", hasBias: true)
      block.feedForward = shape.plain("mlp.fc1", "mlp.fc2", .geluTanh)
      if normsHeads {
        block.attention.queryNorm = HeadNormConfiguration(norm("self_attn.q_layernorm"))
        block.attention.keyNorm = HeadNormConfiguration(norm("self_attn.k_layernorm"))
      }
    }
    configuration.head.hasBias = true
    return configuration
  }
}
