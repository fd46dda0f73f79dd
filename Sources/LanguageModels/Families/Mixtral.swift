import PreciseJSON
import Tensors

/// Mixtral (arXiv:2401.04088): Mistral with experts in place of every feed-forward part.
package enum Mixtral: ModelFamily {
  package static let name = "mixtral"
  package static let models = "Mixtral 8x7B and 8x22B"
  package static let modelTypes = ["mixtral"]
  package static let modelClass = "MixtralForCausalLM"
  /// Its files say `llama`, and how many experts there are.
  package static let gguf = Llama.gguf

  private static let defaults = DecoderDefaults(
    rotary: RotaryDefaults(base: 1_000_000), epsilon: 1e-5, keyValueHeads: 8)

  package static func read(_ reader: inout ConfigurationReader) -> ModelConfiguration {
    let shape = DecoderShape(&reader, defaults)
    let window = reader.oneWindow()
    let count = reader.positive("num_local_experts", default: 8)
    let chosen = reader.positive("num_experts_per_tok", default: 2, atMost: count)
    // Noise of training from scratch.
    reader.require("router_jitter_noise", 0)
    return configuration(shape, count: count, chosen: chosen, window: window)
  }

  package static func write(_ configuration: ModelConfiguration) -> [(key: String, value: JSON)] {
    let experts = configuration.blocks[0].experts
    return DecoderShape(configuration).members(defaults) + [
      configuration.oneWindowMember,
      ("num_experts_per_tok", JSON(experts?.rule.chosen ?? 1)), ("num_local_experts", JSON(experts?.count ?? 1)),
    ]
  }

  /// The files do not say windows.
  package static func read(gguf reader: inout GGUFReader) -> ModelConfiguration {
    let shape = DecoderShape(&reader)
    let experts = ExpertReader(&reader, sizeKey: "feed_forward_length")
    reader.requireGating(1)
    return configuration(shape, count: experts.count, chosen: experts.chosen, window: nil)
  }

  private static func configuration(
    _ shape: DecoderShape, count: Int, chosen: Int, window: Int?
  ) -> ModelConfiguration {
    shape.configuration(Mixtral.self) { block, _ in
      block.attention.window = window
      block.experts = ExpertsConfiguration(
        width: shape.hiddenSize, count: count, size: shape.feedForwardSize, router: "block_sparse_moe.gate",
        storage: .each(prefix: "block_sparse_moe.experts", gate: "w1", up: "w3", down: "w2"),
        rule: RoutingRule(chosen: chosen, normalisation: .sum(epsilon: 0)))
    }
  }
}
