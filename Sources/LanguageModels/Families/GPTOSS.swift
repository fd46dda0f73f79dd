import PreciseJSON
import Tensors

/// gpt-oss (arXiv:2508.10925): sinks in every head, a window in every other block, experts with biases and clamped gates.
package enum GPTOSS: ModelFamily {
  package static let name = "gpt_oss"
  package static let models = "gpt-oss-20b and 120b, in bfloat16 or as GGUF files"
  package static let modelTypes = ["gpt_oss"]
  package static let modelClass = "GptOssForCausalLM"
  package static let gguf: GGUFLayout? = GGUFLayout(
    architecture: "gpt-oss",
    names: DecoderShape.ggufNames(with: [
      "self_attn.sinks": "attn_sinks.weight", "post_attention_layernorm": "post_attention_norm",
    ]))

  private static let defaults = DecoderDefaults(
    rotary: RotaryDefaults(base: 150_000), epsilon: 1e-5, keyValueHeads: 8, headDimension: 64)

  package static func read(_ reader: inout ConfigurationReader) -> ModelConfiguration {
    let shape = DecoderShape(&reader, defaults)
    // Without them transformers takes those of the published weights.
    if reader.lookup("rope_parameters") == nil, reader.lookup("rope_scaling") == nil {
      reader.report(.missing(key: "rope_parameters"))
    }
    let windows = reader.windows(shape.layerCount, default: 128) { $0 % 2 == 0 }
    let experts = ExpertReader(
      &reader, countKeys: ["num_local_experts", "num_experts"],
      chosenKeys: ["num_experts_per_tok", "experts_per_token"], sizeKey: "intermediate_size")
    // What the scaling says too.
    reader.passOver("initial_context_length")
    // The clamp that the published weights have is the only one.
    if let limit = reader.realIfPresent("swiglu_limit"), limit != 7 {
      reader.report(.unsupported(key: "swiglu_limit", found: "\(limit)", supported: ["7.0"]))
    }
    let biases = reader.flag("attention_bias", default: true) ? DecoderShape.attentionMaps : []
    return configuration(shape, experts, windows, biases: biases)
  }

  /// Files do not say that the ends of the ramp of positions are no whole numbers.
  package static func read(gguf reader: inout GGUFReader) -> ModelConfiguration {
    var shape = DecoderShape(&reader)
    if case .yarn(var yarn) = shape.rotary?.scaling {
      yarn.truncates = false
      shape.rotary?.scaling = .yarn(yarn)
    }
    let experts = ExpertReader(&reader)
    reader.requireGating(3)
    _ = reader.positive("attention.sliding_window")
    let windows = reader.windows(shape.layerCount, period: 2)
    return configuration(shape, experts, windows, biases: DecoderShape.biases(reader))
  }

  private static func configuration(
    _ shape: DecoderShape, _ experts: ExpertReader, _ windows: [Int?], biases: Set<DecoderShape.Map>
  ) -> ModelConfiguration {
    shape.configuration(GPTOSS.self, biases: biases) { block, layer in
      block.attention.window = windows[layer]
      block.attention.sinks = "self_attn.sinks"
      block.experts = ExpertsConfiguration(
        width: shape.hiddenSize, count: experts.count, size: experts.size, router: "mlp.router",
        routerHasBias: true,
        storage: .interleaved(input: "mlp.experts.gate_up_proj", output: "mlp.experts.down_proj"),
        function: .clamped, rule: RoutingRule(chosen: experts.chosen, normalisation: .sum(epsilon: 0)))
    }
  }

  package static func write(_ configuration: ModelConfiguration) -> [(key: String, value: JSON)] {
    let experts = configuration.experts
    var shape = DecoderShape(configuration)
    shape.feedForwardSize = experts?.size ?? 1
    return shape.members(defaults) + configuration.namedWindowMembers + [
      ("attention_bias", JSON(configuration.blocks[0].attention.maps.allSatisfy(\.hasBias))),
      ("num_experts_per_tok", JSON(experts?.rule.chosen ?? 1)), ("num_local_experts", JSON(experts?.count ?? 1)),
    ]
  }
}
