import PreciseJSON

/// GLM-4-0414 and GLM-Z1 (Z.ai, 2025): GLM with norms of what both halves of a block give too.
package enum GLM4: ModelFamily {
  package static let name = "glm4"
  package static let models = "GLM-4-0414, GLM-Z1"
  package static let modelTypes = ["glm4"]
  package static let modelClass = "Glm4ForCausalLM"
  package static let gguf: GGUFLayout? = GGUFLayout(
    architecture: "glm4",
    names: DecoderShape.ggufNames.merging([
      "post_self_attn_layernorm": "post_attention_norm", "post_mlp_layernorm": "post_ffw_norm",
      "mlp.gate_up_proj": "ffn_up",
    ]) { $1 })

  package static func read(_ reader: inout ConfigurationReader) -> ModelConfiguration {
    GLM.configuration(&reader, GLM4.self, change: normOutputs)
  }

  package static func write(_ configuration: ModelConfiguration) -> [(key: String, value: JSON)] {
    GLM.write(configuration)
  }

  package static func read(gguf reader: inout GGUFReader) -> ModelConfiguration {
    GLM.configuration(&reader, GLM4.self, change: normOutputs)
  }

  private static func normOutputs(_ block: inout BlockConfiguration, _ shape: DecoderShape) {
    block.attentionOutputNorm = .rms("post_self_attn_layernorm", epsilon: shape.normEpsilon)
    block.feedForwardOutputNorm = .rms("post_mlp_layernorm", epsilon: shape.normEpsilon)
  }
}
