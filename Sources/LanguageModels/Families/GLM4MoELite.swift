import PreciseJSON
import Tensors

/// GLM-4.7-Flash: DeepSeek-V3's latent attention and experts, with the kind of each block named.
package enum GLM4MoELite: ModelFamily {
  package static let name = "glm4_moe_lite"
  package static let models = "GLM-4.7-Flash"
  package static let modelTypes = ["glm4_moe_lite"]
  package static let modelClass = "Glm4MoeLiteForCausalLM"
  /// Its files say what DeepSeek-V3's say, and are read as such.
  package static let gguf: GGUFLayout? = nil

  package static func read(_ reader: inout ConfigurationReader) -> ModelConfiguration {
    let shape = DecoderShape(&reader, DecoderDefaults(epsilon: 1e-5))
    let attention = LatentReader(&reader, shape, turnsPairs: reader.flag("rope_interleave", default: true))
    let names = reader.list("mlp_layer_types")
    if let other = names?.first(where: { !["dense", "sparse"].contains($0.string ?? "") }) {
      reader.report(
        .unsupported(key: "mlp_layer_types", found: other.string ?? other.kind, supported: ["dense", "sparse"]))
    }
    let kinds = names?.map { $0.string == "sparse" }
    if let kinds, kinds.count != shape.layerCount {
      reader.report(.inconsistent("`mlp_layer_types` names \(kinds.count) blocks of \(shape.layerCount)"))
    }
    let mixture = DeepseekExperts(&reader, dense: 1)
    let rule = DeepseekV3.rule(&reader, chosen: mixture.experts.chosen, scale: 1.8)
    // The prediction of further tokens, which is not computed.
    _ = reader.lookup("num_nextn_predict_layers")
    return shape.configuration(GLM4MoELite.self) { block, layer in
      block.attention = attention.configuration(shape)
      let isSparse = kinds.map { $0.indices.contains(layer) && $0[layer] }
      block.experts = mixture.configuration(shape, layer: layer, rule: rule, isSparse: isSparse)
      block.experts?.correction = DeepseekV3.correction(mixture.experts.count)
    }
  }

  package static func write(_ configuration: ModelConfiguration) -> [(key: String, value: JSON)] {
    LatentReader.members(configuration) + DeepseekExperts.members(configuration)
      + DeepseekV3.members(configuration) + [
        ("mlp_layer_types", .array(configuration.blocks.map { $0.experts == nil ? "dense" : "sparse" })),
        ("rope_interleave", JSON(configuration.blocks[0].attention.rotary?.turnsPairs ?? true)),
      ]
  }
}
