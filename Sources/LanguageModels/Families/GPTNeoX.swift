import PreciseJSON
import Tensors

/// GPT-NeoX and Pythia (arXiv:2204.06745, 2304.01373): parallel halves with a norm each, positions that turn a quarter of
/// each head, one map for queries, keys and values.
package enum GPTNeoX: ModelFamily {
  package static let name = "gpt_neox"
  package static let models = "GPT-NeoX, Pythia, Dolly"
  package static let modelTypes = ["gpt_neox"]
  package static let modelClass = "GPTNeoXForCausalLM"
  package static let names = ModelNames(
    embedding: "gpt_neox.embed_in", finalNorm: "gpt_neox.final_layer_norm", head: "embed_out", blocks: "gpt_neox.layers"
  )
  package static let gguf: GGUFLayout? = GGUFLayout(
    architecture: "gptneox",
    names: [
      "input_layernorm": "attn_norm", "post_attention_layernorm": "ffn_norm",
      "attention.query_key_value": "attn_qkv", "attention.dense": "attn_output", "mlp.dense_h_to_4h": "ffn_up",
      "mlp.dense_4h_to_h": "ffn_down",
    ])

  private static func defaults(_ activation: Activation) -> DecoderDefaults {
    DecoderDefaults(
      rotary: RotaryDefaults(partialFactor: 0.25, baseKey: "rotary_emb_base", partialKey: "rotary_pct"),
      activations: activation.names, epsilonKey: "layer_norm_eps", epsilon: 1e-5)
  }

  package static func read(_ reader: inout ConfigurationReader) -> ModelConfiguration {
    let activation = reader.activation("hidden_act", default: .gelu)
    reader.passOver("attention_probs_dropout_prob")
    return configuration(
      DecoderShape(&reader, defaults(activation)), activation, hasBias: reader.flag("attention_bias", default: true),
      isParallel: reader.flag("use_parallel_residual", default: true))
  }

  package static func write(_ configuration: ModelConfiguration) -> [(key: String, value: JSON)] {
    let block = configuration.blocks[0]
    return DecoderShape(configuration).members(defaults(block.feedForward.activation ?? .gelu)) + [
      ("attention_bias", JSON(block.attention.maps.allSatisfy(\.hasBias))),
      ("use_parallel_residual", JSON(block.wiring == .parallel)),
    ]
  }

  package static func read(gguf reader: inout GGUFReader) -> ModelConfiguration {
    configuration(
      DecoderShape(&reader, epsilonKey: "attention.layer_norm_epsilon"), .gelu,
      hasBias: reader.hasBias("attention.dense"), isParallel: reader.flag("use_parallel_residual", default: true))
  }

  private static func configuration(
    _ shape: DecoderShape, _ activation: Activation, hasBias: Bool, isParallel: Bool
  ) -> ModelConfiguration {
    shape.configuration(GPTNeoX.self, norm: .layer("norm", epsilon: shape.normEpsilon)) { block, _ in
      block.wiring = isParallel ? .parallel : .sequential
      block.attention.projections = .fused(shape.fused("attention.query_key_value", hasBias: hasBias), .grouped)
      block.attention.output = shape.output("attention.dense", hasBias: hasBias)
      block.feedForward = shape.plain("mlp.dense_h_to_4h", "mlp.dense_4h_to_h", activation)
    }
  }
}
