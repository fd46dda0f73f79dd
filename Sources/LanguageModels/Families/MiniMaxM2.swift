import PreciseJSON
import Tensors

/// MiniMax-M2 (2025): norms of all queries and all keys together, positions that turn half of each head, many experts whose
/// choice is corrected.
package enum MiniMaxM2: ModelFamily {
  package static let name = "minimax_m2"
  package static let models = "MiniMax-M2, M2.1 and M2.5"
  package static let modelTypes = ["minimax_m2"]
  package static let modelClass = "MiniMaxM2ForCausalLM"

  private static let defaults = DecoderDefaults(
    rotary: RotaryDefaults(base: 5_000_000, partialFactor: 1), keyValueHeads: 8, headDimension: 128)

  package static func read(_ reader: inout ConfigurationReader) -> ModelConfiguration {
    var shape = DecoderShape(&reader, defaults)
    readTurned(&reader, &shape)
    let experts = ExpertReader(
      &reader, countKeys: ["num_local_experts", "num_experts"], sizeKey: "intermediate_size")
    // What the publisher's own code knows besides, and its files do not use.
    reader.require("use_qk_norm", true)
    reader.require("qk_norm_type", "per_layer")
    reader.require("scoring_func", "sigmoid")
    reader.require("use_routing_bias", true)
    reader.require("shared_intermediate_size", 0)
    reader.require("layernorm_full_attention_beta", 1)
    reader.require("layernorm_mlp_beta", 1)
    if let other = reader.list("attn_type_list")?.first(where: { $0.int != 1 }) {
      reader.report(.unsupported(key: "attn_type_list", found: other.text(), supported: ["1"]))
    }
    // Noise of training from scratch.
    reader.require("router_jitter_noise", 0)
    // Of parts that are not there, and of the prediction of further tokens, which is not computed.
    reader.passOver(
      "shared_moe_mode", "layernorm_linear_attention_beta", "mlp_intermediate_size", "use_mtp", "num_mtp_modules",
      "mtp_transformer_layers")
    return configuration(shape, experts)
  }

  /// `rotary_dim`, which the publisher's files have in place of a part of the head, and transformers 5.6 passes over.
  private static func readTurned(_ reader: inout ConfigurationReader, _ shape: inout DecoderShape) {
    guard reader.lookup("rotary_dim") != nil else { return }
    let turned = reader.positive("rotary_dim", atMost: shape.headDimension)
    let isSaid =
      ["rope_parameters", "rope_scaling"].contains { reader.lookup($0)?["partial_rotary_factor"] != nil }
      || reader.lookup("partial_rotary_factor") != nil
    if isSaid, shape.rotary?.dimension != turned {
      reader.report(.inconsistent("`rotary_dim` and `partial_rotary_factor` turn other parts of a head"))
    }
    shape.rotary?.dimension = turned
  }

  private static func configuration(_ shape: DecoderShape, _ experts: ExpertReader) -> ModelConfiguration {
    shape.configuration(MiniMaxM2.self) { block, _ in
      block.attention.queryNorm = HeadNormConfiguration(.rms("self_attn.q_norm", epsilon: shape.normEpsilon), .all)
      block.attention.keyNorm = HeadNormConfiguration(.rms("self_attn.k_norm", epsilon: shape.normEpsilon), .all)
      block.experts = ExpertsConfiguration(
        width: shape.hiddenSize, count: experts.count, size: experts.size, router: "block_sparse_moe.gate",
        storage: .each(prefix: "block_sparse_moe.experts", gate: "w1", up: "w3", down: "w2"),
        rule: RoutingRule(.sigmoid, chosen: experts.chosen, normalisation: .sum(epsilon: 0)))
      block.experts?.correction = ExpertsConfiguration.Correction(
        "block_sparse_moe.e_score_correction_bias", shape: [experts.count])
    }
  }

  package static func write(_ configuration: ModelConfiguration) -> [(key: String, value: JSON)] {
    let experts = configuration.experts
    let shape = DecoderShape(configuration)
    return shape.members(defaults) + [
      ("num_experts_per_tok", JSON(experts?.rule.chosen ?? 1)), ("num_local_experts", JSON(experts?.count ?? 1)),
      ("rotary_dim", JSON(shape.rotary?.dimension ?? 0)),
    ]
  }
}
