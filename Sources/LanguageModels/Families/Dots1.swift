import PreciseJSON
import Tensors

/// dots.llm1 (arXiv:2506.05767): Qwen 3's attention with DeepSeek-V3's experts.
package enum Dots1: ModelFamily {
  package static let name = "dots1"
  package static let models = "dots.llm1"
  package static let modelTypes = ["dots1"]
  package static let modelClass = "Dots1ForCausalLM"
  package static let gguf: GGUFLayout? = GGUFLayout(architecture: "dots1", names: Qwen3.ggufNames)

  package static func read(_ reader: inout ConfigurationReader) -> ModelConfiguration {
    let shape = DecoderShape(&reader)
    let first = reader.whole("max_window_layers", default: 62)
    let hasWindow = reader.hasWindow(default: true)
    let windows = reader.windows(shape.layerCount, default: 4096) { hasWindow && $0 >= first }
    let mixture = DeepseekExperts(&reader)
    let rule = DeepseekV3.rule(&reader, chosen: mixture.experts.chosen, normalises: false)
    let biases = reader.flag("attention_bias", default: false) ? DecoderShape.attentionMaps : []
    return configuration(shape, mixture, rule, windows, biases: biases)
  }

  /// Files do not say windows.
  package static func read(gguf reader: inout GGUFReader) -> ModelConfiguration {
    let shape = DecoderShape(&reader)
    let mixture = DeepseekExperts(&reader)
    let rule = DeepseekV3.rule(gguf: &reader, chosen: mixture.experts.chosen)
    let windows = [Int?](repeating: nil, count: shape.layerCount)
    return configuration(shape, mixture, rule, windows, biases: DecoderShape.biases(reader))
  }

  private static func configuration(
    _ shape: DecoderShape, _ mixture: DeepseekExperts, _ rule: RoutingRule, _ windows: [Int?],
    biases: Set<DecoderShape.Map>
  ) -> ModelConfiguration {
    shape.configuration(Dots1.self, biases: biases) { block, layer in
      block.attention.window = windows[layer]
      Qwen3.addHeadNorms(&block.attention, shape)
      block.experts = mixture.configuration(shape, layer: layer, rule: rule)
      block.experts?.correction = DeepseekV3.correction(mixture.experts.count)
    }
  }

  package static func write(_ configuration: ModelConfiguration) -> [(key: String, value: JSON)] {
    DecoderShape(configuration).members() + DeepseekExperts.members(configuration)
      + DeepseekV3.members(configuration) + configuration.windowMembers + [
        ("attention_bias", JSON(configuration.blocks[0].attention.maps.allSatisfy(\.hasBias)))
      ]
  }
}
