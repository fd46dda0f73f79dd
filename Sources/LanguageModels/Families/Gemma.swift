import PreciseJSON
import Tensors

/// Gemma (arXiv:2403.08295): wide heads, a GELU for a gate, scaled embeddings, norms whose files hold the difference from 1.
package enum Gemma: ModelFamily {
  package static let name = "gemma"
  package static let models = "Gemma 1, CodeGemma"
  package static let modelTypes = ["gemma"]
  package static let modelClass = "GemmaForCausalLM"
  package static let gguf: GGUFLayout? = GGUFLayout(
    architecture: "gemma", names: DecoderShape.ggufNames, normOffset: 1)

  /// `gelu` in old files means the tanh form too.
  static let defaults = DecoderDefaults(
    activations: ["gelu_pytorch_tanh", "gelu"], tiesHead: true, keyValueHeads: 16, headDimension: 256)

  package static func read(_ reader: inout ConfigurationReader) -> ModelConfiguration {
    let shape = DecoderShape(&reader, defaults)
    if let other = reader.string("hidden_activation"), !defaults.activations.contains(other) {
      reader.report(
        .unsupported(key: "hidden_activation", found: other, supported: [defaults.activations[0]]))
    }
    let biases = reader.flag("attention_bias", default: false) ? DecoderShape.attentionMaps : []
    return configuration(shape, Gemma.self, biases: biases)
  }

  package static func write(_ configuration: ModelConfiguration) -> [(key: String, value: JSON)] {
    DecoderShape(configuration).members(defaults) + [
      ("attention_bias", JSON(configuration.blocks[0].attention.maps.allSatisfy(\.hasBias)))
    ]
  }

  package static func read(gguf reader: inout GGUFReader) -> ModelConfiguration {
    configuration(DecoderShape(&reader), Gemma.self)
  }

  /// What all Gemmas have.
  static func configuration(
    _ shape: DecoderShape, _ family: any ModelFamily.Type, biases: Set<DecoderShape.Map> = [],
    change: (inout BlockConfiguration, Int) -> Void = { _, _ in }
  ) -> ModelConfiguration {
    let norm = NormConfiguration.rms("norm", epsilon: shape.normEpsilon, weightOffset: 1)
    var configuration = shape.configuration(family, biases: biases, norm: norm) { block, layer in
      if case .gated(let gate, let up, _) = block.feedForward.input {
        block.feedForward.input = .gated(gate: gate, up: up, .geluTanh)
      }
      change(&block, layer)
    }
    configuration.embedding.scale = Float(shape.hiddenSize).squareRoot()
    return configuration
  }
}
