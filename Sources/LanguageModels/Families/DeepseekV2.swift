import PreciseJSON
import Tensors

/// DeepSeek-V2 (arXiv:2405.04434): latent attention, shared experts, experts chosen from a few groups.
package enum DeepseekV2: ModelFamily {
  package static let name = "deepseek_v2"
  package static let models = "DeepSeek-V2, DeepSeek-V2-Lite, DeepSeek-Coder-V2"
  package static let modelTypes = ["deepseek_v2"]
  package static let modelClass = "DeepseekV2ForCausalLM"
  package static let gguf: GGUFLayout? = GGUFLayout(
    architecture: "deepseek2",
    names: DecoderShape.ggufNames(with: [
      "self_attn.q_a_proj": "attn_q_a", "self_attn.q_a_layernorm": "attn_q_a_norm", "self_attn.q_b_proj": "attn_q_b",
      "self_attn.kv_a_proj_with_mqa": "attn_kv_a_mqa", "self_attn.kv_a_layernorm": "attn_kv_a_norm",
      "self_attn.kv_b_proj": "attn_kv_b",
    ]))

  package static func read(_ reader: inout ConfigurationReader) -> ModelConfiguration {
    let shape = DecoderShape(&reader)
    let attention = LatentReader(&reader, shape, turnsPairs: true)
    let hasBias = reader.flag("mlp_bias", default: false)
    let scale = Float(reader.positiveReal("routed_scaling_factor", default: 1))
    let method = reader.string("topk_method") ?? "greedy"
    let (groups, chosenGroups) = (
      reader.positive("n_group", default: 1), reader.positive("topk_group", default: 1)
    )
    let methods = ["greedy", "group_limited_greedy"]
    if !methods.contains(method) {
      reader.report(.unsupported(key: "topk_method", found: method, supported: methods))
    }
    let normalises = reader.flag("norm_topk_prob", default: false)
    if normalises { reader.report(.unsupported(key: "norm_topk_prob", found: "true", supported: ["false"])) }
    // Of training from scratch, and of other programs.
    reader.passOver("aux_loss_alpha", "seq_aux", "ep_size")
    reader.require("moe_layer_freq", 1)
    reader.require("scoring_func", "softmax")
    let mixture = DeepseekExperts(&reader)
    let rule = RoutingRule(
      chosen: mixture.experts.chosen, scale: scale,
      groups: method == methods[1] && groups > 1
        ? RoutingRule.Groups(count: groups, chosen: chosenGroups, countsTwo: false) : nil)
    return shape.configuration(
      DeepseekV2.self, biases: hasBias ? DecoderShape.feedForwardMaps : []
    ) { block, layer in
      block.attention = attention.configuration(shape)
      block.experts = mixture.configuration(shape, layer: layer, rule: rule, hasBias: hasBias)
    }
  }

  /// Files of DeepSeek-V3 and of those that share its experts say this architecture too: their scores are each expert's own,
  /// or the choice is corrected.
  package static func read(gguf reader: inout GGUFReader) -> ModelConfiguration {
    let gating = reader.values.whole(reader.key("expert_gating_func"), default: 0)
    let first = reader.values.whole(reader.key("leading_dense_block_count"), default: 0)
    if gating == 2 || (gating == 0 && reader.has("exp_probs_b.bias", layer: first)) {
      return DeepseekV3.read(gguf: &reader)
    }
    let shape = DecoderShape(&reader, turnsPairs: true, isLatent: true)
    let attention = LatentReader(&reader, shape)
    let mixture = DeepseekExperts(&reader)
    reader.requireGating(1)
    reader.values.require(reader.key("expert_weights_norm"), false)
    let rule = RoutingRule(
      chosen: mixture.experts.chosen, scale: reader.expertScale, groups: reader.expertGroups(countsTwo: false))
    return shape.configuration(DeepseekV2.self) { block, layer in
      block.attention = attention.configuration(shape)
      block.experts = mixture.configuration(shape, layer: layer, rule: rule)
    }
  }

  package static func write(_ configuration: ModelConfiguration) -> [(key: String, value: JSON)] {
    let rule = configuration.experts?.rule
    return LatentReader.members(configuration) + DeepseekExperts.members(configuration) + [
      ("mlp_bias", JSON(configuration.experts?.shared?.down.hasBias ?? false)),
      ("n_group", JSON(rule?.groups?.count ?? 1)), ("routed_scaling_factor", JSON(float: rule?.scale ?? 1)),
      ("topk_group", JSON(rule?.groups?.chosen ?? 1)),
      ("topk_method", JSON(rule?.groups == nil ? "greedy" : "group_limited_greedy")),
    ]
  }
}
