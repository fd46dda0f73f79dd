import PreciseJSON
import Tensors

/// ERNIE 4.5 with experts: positions that turn neighbours, a correction of the choice, experts that all share.
package enum Ernie45MoE: ModelFamily {
  package static let name = "ernie4_5_moe"
  package static let models = "ERNIE 4.5 21B-A3B and 300B-A47B"
  package static let modelTypes = ["ernie4_5_moe"]
  package static let modelClass = "Ernie4_5_MoeForCausalLM"
  package static let gguf: GGUFLayout? = GGUFLayout(architecture: "ernie4_5-moe", names: DecoderShape.ggufNames)

  private static let defaults = DecoderDefaults(
    rotary: RotaryDefaults(base: 500_000, turnsPairs: true), epsilon: 1e-5, tiesHead: true, keyValueHeads: 4)

  package static func read(_ reader: inout ConfigurationReader) -> ModelConfiguration {
    let shape = DecoderShape(&reader, defaults)
    let experts = ExpertReader(&reader, countKeys: ["moe_num_experts"], chosenKeys: ["moe_k"])
    let shared = experts.sharedCount(&reader, "moe_num_shared_experts", default: 2)
    let (first, step) = (
      reader.whole("moe_layer_start_index", default: 1), reader.positive("moe_layer_interval", default: 1)
    )
    let last = reader.whole("moe_layer_end_index", default: -1, in: -1...ConfigurationReader.limit)
    let isSparse = (0..<shape.layerCount).map { layer in
      layer >= first && layer <= (last < 0 ? shape.layerCount - 1 : last) && (layer + 1) % step == 0
    }
    let least = Float(reader.positiveReal("moe_norm_min", default: 1e-12))
    if reader.flag("use_bias", default: false) {
      reader.report(.unsupported(key: "use_bias", found: "true", supported: ["false"]))
    }
    return configuration(shape, experts, shared: shared, least: least, isSparse)
  }

  /// Files do not say the last block with experts, nor the least that weights of experts are divided by.
  package static func read(gguf reader: inout GGUFReader) -> ModelConfiguration {
    let shape = DecoderShape(&reader, turnsPairs: true)
    let experts = ExpertReader(&reader)
    reader.requireGating(1)
    let shared = experts.sharedCount(&reader)
    // Computed of other numbers by converters; the tensors have as many rows as the experts that all share.
    _ = reader.values.lookup(reader.key("expert_shared_feed_forward_length"))
    let first = reader.values.whole(reader.key("leading_dense_block_count"), default: 0)
    let step = reader.positive("interleave_moe_layer_step", default: 1)
    let isSparse = (0..<shape.layerCount).map { $0 >= first && ($0 + 1) % step == 0 }
    return configuration(shape, experts, shared: shared, least: 1e-12, isSparse)
  }

  private static func configuration(
    _ shape: DecoderShape, _ experts: ExpertReader, shared: Int, least: Float, _ isSparse: [Bool]
  ) -> ModelConfiguration {
    shape.configuration(Ernie45MoE.self) { block, layer in
      guard isSparse[layer] else { return }
      var configuration = experts.configuration(
        shape, rule: RoutingRule(chosen: experts.chosen, normalisation: .sumAtLeast(least)))
      configuration.correction = ExpertsConfiguration.Correction(
        "mlp.moe_statics.e_score_correction_bias", shape: [1, experts.count])
      if shared > 0 { configuration.share("mlp.shared_experts", size: shared * experts.size) }
      block.experts = configuration
    }
  }

  package static func write(_ configuration: ModelConfiguration) -> [(key: String, value: JSON)] {
    let experts = configuration.experts
    let sparse = configuration.blocks.indices.filter { configuration.blocks[$0].experts != nil }
    var least: Float = 1e-12
    if case .sumAtLeast(let value) = experts?.rule.normalisation { least = value }
    return DecoderShape(configuration).members(defaults) + [
      ("moe_intermediate_size", JSON(experts?.size ?? 1)), ("moe_k", JSON(experts?.rule.chosen ?? 1)),
      ("moe_layer_end_index", JSON(sparse.last ?? -1)),
      ("moe_layer_interval", JSON(sparse.count > 1 ? sparse[1] - sparse[0] : 1)),
      ("moe_layer_start_index", JSON(sparse.first ?? configuration.blocks.count)),
      ("moe_norm_min", JSON(float: least)), ("moe_num_experts", JSON(experts?.count ?? 1)),
      ("moe_num_shared_experts", JSON((experts?.shared?.size ?? 0) / max(1, experts?.size ?? 1))),
    ]
  }
}
