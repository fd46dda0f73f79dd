import PreciseJSON

/// Youtu-LLM (Tencent, 2025): DeepSeek-V3's latent attention without experts.
package enum Youtu: ModelFamily {
  package static let name = "youtu"
  package static let models = "Youtu-LLM 2B"
  package static let modelTypes = ["youtu"]
  package static let modelClass = "YoutuForCausalLM"

  package static func read(_ reader: inout ConfigurationReader) -> ModelConfiguration {
    let shape = DecoderShape(&reader, DecoderDefaults(tiesHead: true))
    // Its absence does not mean here what null means.
    if reader.lookup("q_lora_rank") == nil, !reader.isNull("q_lora_rank") {
      reader.report(.missing(key: "q_lora_rank"))
    }
    let attention = LatentReader(&reader, shape, turnsPairs: reader.flag("rope_interleave", default: true))
    reader.require("mlp_bias", false)
    // How training from scratch begins.
    reader.passOver("embedding_initializer_range")
    return shape.configuration(Youtu.self) { block, _ in block.attention = attention.configuration(shape) }
  }

  package static func write(_ configuration: ModelConfiguration) -> [(key: String, value: JSON)] {
    LatentReader.members(configuration) + [
      ("rope_interleave", JSON(configuration.blocks[0].attention.rotary?.turnsPairs ?? true))
    ]
  }
}
