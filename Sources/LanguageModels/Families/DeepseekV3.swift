import PreciseJSON
import Tensors

/// DeepSeek-V3 and R1 (arXiv:2412.19437): V2 with scores between 0 and 1 and a correction of the choice.
package enum DeepseekV3: ModelFamily {
  package static let name = "deepseek_v3"
  package static let models = "DeepSeek-V3, DeepSeek-R1, Moonlight, Kimi K2"
  package static let modelTypes = ["deepseek_v3", "kimi_k2"]
  package static let modelClass = "DeepseekV3ForCausalLM"
  package static let gguf = DeepseekV2.gguf

  package static func read(_ reader: inout ConfigurationReader) -> ModelConfiguration {
    let shape = DecoderShape(&reader)
    let attention = LatentReader(
      &reader, shape, turnsPairs: reader.flag("rope_interleave", default: true))
    let mixture = DeepseekExperts(&reader, dense: 3)
    let rule = rule(&reader, chosen: mixture.experts.chosen, groups: 8, chosenGroups: 4, scale: 2.5)
    // Of training from scratch, of other programs, and of the prediction of further tokens, which is not computed.
    reader.passOver("aux_loss_alpha", "seq_aux", "ep_size", "num_nextn_predict_layers")
    reader.require("moe_layer_freq", 1)
    return shape.configuration(DeepseekV3.self) { block, layer in
      block.attention = attention.configuration(shape)
      block.experts = mixture.configuration(shape, layer: layer, rule: rule)
      block.experts?.correction = correction(mixture.experts.count)
    }
  }

  package static func write(_ configuration: ModelConfiguration) -> [(key: String, value: JSON)] {
    LatentReader.members(configuration) + DeepseekExperts.members(configuration) + members(configuration) + [
      ("rope_interleave", JSON(configuration.blocks[0].attention.rotary?.turnsPairs ?? true))
    ]
  }

  /// Older files say no groups, whatever the model has: then there are none, as in llama.cpp.
  package static func read(gguf reader: inout GGUFReader) -> ModelConfiguration {
    let shape = DecoderShape(&reader, turnsPairs: true, isLatent: true)
    let attention = LatentReader(&reader, shape)
    let mixture = DeepseekExperts(&reader)
    let rule = rule(gguf: &reader, chosen: mixture.experts.chosen)
    return shape.configuration(DeepseekV3.self) { block, layer in
      block.attention = attention.configuration(shape)
      block.experts = mixture.configuration(shape, layer: layer, rule: rule)
      block.experts?.correction = correction(mixture.experts.count)
    }
  }

  /// How experts are chosen, as GGUF files say it.
  static func rule(gguf reader: inout GGUFReader, chosen: Int) -> RoutingRule {
    reader.requireGating(2)
    return RoutingRule(
      .sigmoid, chosen: chosen,
      normalisation: reader.flag("expert_weights_norm", default: false) ? .sum(epsilon: 1e-20) : .none,
      scale: reader.expertScale, groups: reader.expertGroups(countsTwo: true))
  }

  static func correction(_ count: Int) -> ExpertsConfiguration.Correction {
    ExpertsConfiguration.Correction("mlp.gate.e_score_correction_bias", shape: [count])
  }

  /// How experts are chosen: by scores of each expert by itself, from the best groups.
  static func rule(
    _ reader: inout ConfigurationReader, chosen: Int, groups: Int = 1, chosenGroups: Int = 1, scale: Double = 1,
    normalises: Bool = true
  ) -> RoutingRule {
    // Said by some files; the families know no other.
    for (key, known) in [("topk_method", "noaux_tc"), ("scoring_func", "sigmoid")] {
      guard let found = reader.string(key), found != known else { continue }
      reader.report(.unsupported(key: key, found: found, supported: [known]))
    }
    let (count, some) = (
      reader.positive("n_group", default: groups), reader.positive("topk_group", default: chosenGroups)
    )
    return RoutingRule(
      .sigmoid, chosen: chosen,
      normalisation: reader.flag("norm_topk_prob", default: normalises) ? .sum(epsilon: 1e-20) : .none,
      scale: Float(reader.positiveReal("routed_scaling_factor", default: scale)),
      groups: count > 1 ? RoutingRule.Groups(count: count, chosen: some, countsTwo: true) : nil)
  }

  /// The members of `config.json` that ``rule(_:chosen:groups:chosenGroups:scale:normalises:)`` reads.
  static func members(_ configuration: ModelConfiguration) -> [(key: String, value: JSON)] {
    let rule = configuration.experts?.rule
    return [
      ("n_group", JSON(rule?.groups?.count ?? 1)),
      ("norm_topk_prob", JSON(rule?.normalisation != RoutingRule.Normalisation.none)),
      ("routed_scaling_factor", JSON(float: rule?.scale ?? 1)), ("topk_group", JSON(rule?.groups?.chosen ?? 1)),
    ]
  }
}
