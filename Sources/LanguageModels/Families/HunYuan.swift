import PreciseJSON

/// HunYuan of 0.5 to 7 billion parameters (Tencent, 2025): norms of the queries and keys of each head after positions have
/// turned them.
package enum HunYuan: ModelFamily {
  package static let name = "hunyuan_v1_dense"
  package static let models = "Hunyuan 0.5B to 7B"
  package static let modelTypes = ["hunyuan_v1_dense"]
  package static let modelClass = "HunYuanDenseV1ForCausalLM"
  package static let gguf: GGUFLayout? = GGUFLayout(architecture: "hunyuan-dense", names: ggufNames)

  static let ggufNames = DecoderShape.ggufNames(with: [
    "self_attn.query_layernorm": "attn_q_norm", "self_attn.key_layernorm": "attn_k_norm",
  ])

  static let defaults = DecoderDefaults(rotary: RotaryDefaults(readsAlpha: true), epsilon: 1e-5)

  package static func read(_ reader: inout ConfigurationReader) -> ModelConfiguration {
    let shape = DecoderShape(&reader, defaults)
    let biases = reader.flag("attention_bias", default: false) ? DecoderShape.attentionMaps : []
    requireText(&reader)
    reader.require("mlp_bias", false)
    reader.require("num_experts", 0, 1)
    return shape.configuration(HunYuan.self, biases: biases) { block, _ in addHeadNorms(&block.attention, shape) }
  }

  package static func write(_ configuration: ModelConfiguration) -> [(key: String, value: JSON)] {
    DecoderShape(configuration).members(defaults) + [
      ("attention_bias", JSON(configuration.blocks[0].attention.maps.allSatisfy(\.hasBias)))
    ]
  }

  /// Converters write a larger base for what `config.json` calls `alpha`.
  package static func read(gguf reader: inout GGUFReader) -> ModelConfiguration {
    let shape = DecoderShape(&reader)
    return shape.configuration(HunYuan.self, biases: DecoderShape.biases(reader)) { block, _ in
      addHeadNorms(&block.attention, shape)
    }
  }

  /// RMSNorm of the queries and keys of each head, after they have been turned.
  static func addHeadNorms(_ attention: inout AttentionConfiguration, _ shape: DecoderShape) {
    attention.queryNorm = HeadNormConfiguration(.rms("self_attn.query_layernorm", epsilon: shape.normEpsilon))
    attention.keyNorm = HeadNormConfiguration(.rms("self_attn.key_layernorm", epsilon: shape.normEpsilon))
    attention.normsTurned = true
  }

  /// Keys of the first files, which were for text, images and classes: what transformers always does, and what it never
  /// reads.
  static func requireText(_ reader: inout ConfigurationReader) {
    reader.require("use_qk_norm", true)
    reader.require("use_rotary_pos_emb", true)
    reader.require("use_cla", false)
    reader.require("position_embedding_xdrope", false)
    reader.require("add_classification_head", false)
    reader.require("norm_type", "rms", "hf_rms")
    reader.passOver(
      "attention_head_dim", "cla_share_factor", "class_num", "dense_list", "eod_token_id", "im_end_id", "im_newline_id",
      "im_start_id", "image_token_id", "mask_init_id", "num_media_embeds", "org_vocab_size", "pad_id", "pool_type",
      "skip_cls_token", "text_end_id", "text_start_id", "video_end_id", "video_start_id")
  }
}
