import PreciseJSON

/// StableLM 2 and 3B (arXiv:2402.17834): LayerNorm, positions that turn a quarter of each head; the model of 12 billion
/// parameters has parallel halves and a norm for each head.
package enum StableLM: ModelFamily {
  package static let name = "stablelm"
  package static let models = "StableLM 3B, StableLM 2"
  package static let modelTypes = ["stablelm"]
  package static let modelClass = "StableLmForCausalLM"
  package static let gguf: GGUFLayout? = GGUFLayout(architecture: "stablelm", names: DecoderShape.ggufNames)

  private static let defaults = DecoderDefaults(
    rotary: RotaryDefaults(partialFactor: 0.25), epsilonKey: "layer_norm_eps", epsilon: 1e-5, keyValueHeads: 32)

  package static func read(_ reader: inout ConfigurationReader) -> ModelConfiguration {
    let shape = DecoderShape(&reader, defaults)
    return configuration(
      shape, biases: reader.flag("use_qkv_bias", default: false) ? [.query, .key, .value] : [],
      isParallel: reader.flag("use_parallel_residual", default: false),
      normsHeads: reader.flag("qk_layernorm", default: false))
  }

  package static func write(_ configuration: ModelConfiguration) -> [(key: String, value: JSON)] {
    let block = configuration.blocks[0]
    return DecoderShape(configuration).members(defaults) + [
      ("qk_layernorm", JSON(block.attention.queryNorm != nil)),
      ("use_parallel_residual", JSON(block.wiring == .parallel)),
      ("use_qkv_bias", JSON(block.attention.maps[0].hasBias)),
    ]
  }

  package static func read(gguf reader: inout GGUFReader) -> ModelConfiguration {
    let shape = DecoderShape(&reader, epsilonKey: "attention.layer_norm_epsilon")
    if reader.has("attn_q_norm.weight") {
      reader.values.report(
        .inconsistent("The norms of the heads lie in one tensor, which is not read here: take the model's safetensors"))
    }
    // Converters write true where the model is not; the tensors tell.
    reader.values.passOver(reader.key("use_parallel_residual"))
    return configuration(
      shape, biases: DecoderShape.biases(reader), isParallel: !reader.has("ffn_norm.weight"), normsHeads: false)
  }

  private static func configuration(
    _ shape: DecoderShape, biases: Set<DecoderShape.Map>, isParallel: Bool, normsHeads: Bool
  ) -> ModelConfiguration {
    func norm(_ name: String, hasBias: Bool = true) -> NormConfiguration {
      .layer(name, epsilon: shape.normEpsilon, hasBias: hasBias)
    }
    return shape.configuration(StableLM.self, biases: biases, norm: norm("norm")) { block, _ in
      if isParallel {
        block.wiring = .parallel
        block.feedForwardNorm = nil
      }
      if normsHeads {
        block.attention.queryNorm = HeadNormConfiguration(norm("self_attn.q_layernorm", hasBias: false), .ownNorm)
        block.attention.keyNorm = HeadNormConfiguration(norm("self_attn.k_layernorm", hasBias: false), .ownNorm)
      }
    }
  }
}
