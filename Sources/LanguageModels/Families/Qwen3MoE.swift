import PreciseJSON
import Tensors

/// Qwen 3 with experts (arXiv:2505.09388).
package enum Qwen3MoE: ModelFamily {
  package static let name = "qwen3_moe"
  package static let models = "Qwen 3 30B-A3B and 235B-A22B, Qwen 3 Coder"
  package static let modelTypes = ["qwen3_moe"]
  package static let modelClass = "Qwen3MoeForCausalLM"
  package static let gguf: GGUFLayout? = GGUFLayout(architecture: "qwen3moe", names: Qwen3.ggufNames)

  private static let defaults = DecoderDefaults(keyValueHeads: 4)

  package static func read(_ reader: inout ConfigurationReader) -> ModelConfiguration {
    let shape = DecoderShape(&reader, defaults)
    if !reader.isNull("sliding_window") { _ = reader.positive("sliding_window", default: 4096) }
    let window = reader.flag("use_sliding_window", default: false) ? reader.oneWindow(default: 4096) : nil
    let isSparse = Qwen2MoE.sparseLayers(&reader, shape.layerCount)
    let experts = ExpertReader(&reader, countKeys: ["num_experts", "num_local_experts"])
    let rule = Qwen2MoE.rule(&reader, chosen: experts.chosen)
    // As its predecessor writes it, without a meaning here.
    _ = reader.lookup("max_window_layers")
    let biases = reader.flag("attention_bias", default: false) ? DecoderShape.attentionMaps : []
    return shape.configuration(Qwen3MoE.self, biases: biases) { block, layer in
      block.attention.window = window
      Qwen3.addHeadNorms(&block.attention, shape)
      if isSparse[layer] { block.experts = experts.configuration(shape, rule: rule) }
    }
  }

  package static func write(_ configuration: ModelConfiguration) -> [(key: String, value: JSON)] {
    DecoderShape(configuration).members(defaults) + Qwen2.upperWindowMembers(configuration)
      + Qwen2MoE.members(configuration) + [
        ("attention_bias", JSON(configuration.blocks[0].attention.maps.allSatisfy(\.hasBias))),
        ("num_experts", JSON(configuration.experts?.count ?? 1)),
      ]
  }

  /// Files do not say which blocks have experts, nor that the weights of the chosen ones add up to 1.
  package static func read(gguf reader: inout GGUFReader) -> ModelConfiguration {
    let shape = DecoderShape(&reader)
    let experts = ExpertReader(&reader)
    let rule = Qwen2MoE.rule(gguf: &reader, chosen: experts.chosen, normalises: true)
    return shape.configuration(Qwen3MoE.self, biases: DecoderShape.biases(reader)) { block, _ in
      Qwen3.addHeadNorms(&block.attention, shape)
      block.experts = experts.configuration(shape, rule: rule)
    }
  }
}
