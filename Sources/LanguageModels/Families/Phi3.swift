import PreciseJSON

/// Phi 3, 3.5 and 4 (arXiv:2404.14219): one map for queries, keys and values and one for gate and up.
package enum Phi3: ModelFamily {
  package static let name = "phi3"
  package static let models = "Phi 3, 3.5 and 4"
  package static let modelTypes = ["phi3"]
  package static let modelClass = "Phi3ForCausalLM"
  package static let gguf: GGUFLayout? = GGUFLayout(
    architecture: "phi3",
    names: DecoderShape.ggufNames.merging(["self_attn.qkv_proj": "attn_qkv", "mlp.gate_up_proj": "ffn_up"]) { $1 })

  /// Older files call the one scaling that there is `su` or `yarn`.
  private static let defaults = DecoderDefaults(
    rotary: RotaryDefaults(
      partialFactor: 1, scalings: ["longrope": "longrope", "su": "longrope", "yarn": "longrope"]), epsilon: 1e-5)

  package static func read(_ reader: inout ConfigurationReader) -> ModelConfiguration {
    // The length that long texts are longer than stands outside of the scaling, and has a default.
    let shape = DecoderShape(&reader, defaults)
    let window = reader.oneWindow()
    // Of the published files, whose own code did not look at them.
    reader.require("attention_bias", false)
    reader.require("mlp_bias", false)
    reader.require("full_attn_mod", 1)
    reader.require("interpolate_factor", 1)
    return configuration(shape, window)
  }

  package static func write(_ configuration: ModelConfiguration) -> [(key: String, value: JSON)] {
    var members = DecoderShape(configuration).members(defaults) + [configuration.oneWindowMember]
    // transformers takes this one before the scaling's own, and has a default for it.
    if case .longRope(let longRope) = configuration.blocks[0].attention.rotary?.scaling {
      members.append(("original_max_position_embeddings", JSON(longRope.originalMaximumPosition)))
    }
    return members
  }

  package static func read(gguf reader: inout GGUFReader) -> ModelConfiguration {
    let shape = DecoderShape(&reader)
    return configuration(shape, reader.window())
  }

  private static func configuration(_ shape: DecoderShape, _ window: Int?) -> ModelConfiguration {
    shape.configuration(Phi3.self) { block, _ in
      block.attention.projections = .fused(shape.fused("self_attn.qkv_proj"), .consecutive)
      block.attention.window = window
      block.feedForward = shape.fusedGate("mlp.gate_up_proj", "mlp.down_proj")
    }
  }
}
