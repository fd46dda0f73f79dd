import PreciseJSON
import Tensors

/// Granite 3 with experts: Granite's four scalars, all experts of a block in two tensors, perhaps a part that all share.
package enum GraniteMoE: ModelFamily {
  package static let name = "granitemoe"
  package static let models = "Granite 3 with experts"
  package static let modelTypes = ["granitemoe", "granitemoeshared"]
  package static let modelClass = "GraniteMoeSharedForCausalLM"
  package static let gguf: GGUFLayout? = GGUFLayout(
    architecture: "granitemoe", names: DecoderShape.ggufNames, interleavesHeads: true)

  package static func read(_ reader: inout ConfigurationReader) -> ModelConfiguration {
    let shape = DecoderShape(&reader)
    let experts = ExpertReader(&reader, countKeys: ["num_local_experts"], sizeKey: "intermediate_size")
    let shared = reader.whole("shared_intermediate_size", default: 0)
    let biases = reader.flag("attention_bias", default: false) ? DecoderShape.attentionMaps : []
    var configuration = configuration(shape, experts, shared: shared, biases: biases)
    Granite.Factors(&reader).apply(to: &configuration)
    return configuration
  }

  package static func read(gguf reader: inout GGUFReader) -> ModelConfiguration {
    let shape = DecoderShape(&reader)
    let experts = ExpertReader(&reader, sizeKey: "feed_forward_length")
    reader.requireGating(1)
    let shared = reader.values.whole(reader.key("expert_shared_feed_forward_length"), default: 0)
    var configuration = configuration(shape, experts, shared: shared, biases: DecoderShape.biases(reader))
    Granite.Factors(&reader).apply(to: &configuration)
    return configuration
  }

  private static func configuration(
    _ shape: DecoderShape, _ experts: ExpertReader, shared: Int, biases: Set<DecoderShape.Map>
  ) -> ModelConfiguration {
    shape.configuration(GraniteMoE.self, biases: biases) { block, _ in
      var mixture = ExpertsConfiguration(
        width: shape.hiddenSize, count: experts.count, size: experts.size, router: "block_sparse_moe.router.layer",
        storage: .stacked(input: "block_sparse_moe.input_linear", output: "block_sparse_moe.output_linear"),
        rule: RoutingRule(chosen: experts.chosen, normalisation: .sum(epsilon: 0)))
      if shared > 0 {
        var wide = shape
        wide.feedForwardSize = shared
        mixture.shared = wide.fusedGate("shared_mlp.input_linear", "shared_mlp.output_linear")
      }
      block.experts = mixture
    }
  }

  package static func write(_ configuration: ModelConfiguration) -> [(key: String, value: JSON)] {
    let (block, experts) = (configuration.blocks[0], configuration.experts)
    var shape = DecoderShape(configuration)
    shape.feedForwardSize = experts?.size ?? 1
    return shape.members() + Granite.Factors(configuration).members + [
      ("model_type", "granitemoeshared"),
      ("attention_bias", JSON(block.attention.maps.allSatisfy(\.hasBias))),
      ("num_experts_per_tok", JSON(experts?.rule.chosen ?? 1)), ("num_local_experts", JSON(experts?.count ?? 1)),
      ("shared_intermediate_size", JSON(experts?.shared?.size ?? 0)),
    ]
  }
}
