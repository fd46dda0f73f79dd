import PreciseJSON
import Tensors

/// StarCoder 2 (arXiv:2402.19173): norms and maps with biases, a feed-forward part without a gate, perhaps a window.
package enum Starcoder2: ModelFamily {
  package static let name = "starcoder2"
  package static let models = "StarCoder 2"
  package static let modelTypes = ["starcoder2"]
  package static let modelClass = "Starcoder2ForCausalLM"
  package static let gguf: GGUFLayout? = GGUFLayout(
    architecture: "starcoder2",
    names: DecoderShape.ggufNames.merging(["mlp.c_fc": "ffn_up", "mlp.c_proj": "ffn_down"]) { $1 })

  private static let defaults = DecoderDefaults(
    activations: ["gelu_pytorch_tanh", "gelu_new", "gelu_fast"], epsilonKey: "norm_epsilon", epsilon: 1e-5,
    tiesHead: true, keyValueHeads: 2)

  package static func read(_ reader: inout ConfigurationReader) -> ModelConfiguration {
    let shape = DecoderShape(&reader, defaults)
    let window = reader.oneWindow()
    reader.require("norm_type", "layer_norm")
    reader.require("mlp_type", "default")
    let hasBiases = reader.flag("use_bias", default: true)
    return configuration(shape, biases: hasBiases ? DecoderShape.attentionMaps : [], hasBias: hasBiases, window)
  }

  package static func write(_ configuration: ModelConfiguration) -> [(key: String, value: JSON)] {
    DecoderShape(configuration).members(defaults) + [
      configuration.oneWindowMember,
      ("use_bias", JSON(configuration.blocks[0].maps.allSatisfy(\.hasBias))),
    ]
  }

  /// The files say nothing of windows.
  package static func read(gguf reader: inout GGUFReader) -> ModelConfiguration {
    let shape = DecoderShape(&reader, epsilonKey: "attention.layer_norm_epsilon")
    return configuration(
      shape, biases: DecoderShape.biases(reader), hasBias: reader.hasBias("mlp.c_fc"), nil)
  }

  private static func configuration(
    _ shape: DecoderShape, biases: Set<DecoderShape.Map>, hasBias: Bool, _ window: Int?
  ) -> ModelConfiguration {
    shape.configuration(Starcoder2.self, biases: biases, norm: .layer("norm", epsilon: shape.normEpsilon)) {
      block, _ in
      block.attention.window = window
      block.feedForward = shape.plain("mlp.c_fc", "mlp.c_proj", .geluTanh, hasBias: hasBias)
    }
  }
}
