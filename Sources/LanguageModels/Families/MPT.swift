import PreciseJSON
import Tensors

/// MPT (MosaicML, 2023): linear biases in place of positions, no other biases, queries, keys and values that may be held
/// within bounds.
package enum MPT: ModelFamily {
  package static let name = "mpt"
  package static let models = "MPT 7B and 30B"
  package static let modelTypes = ["mpt"]
  package static let modelClass = "MptForCausalLM"
  package static let names = ModelNames(
    embedding: "transformer.wte", finalNorm: "transformer.norm_f", blocks: "transformer.blocks")
  package static let gguf: GGUFLayout? = GGUFLayout(
    architecture: "mpt",
    names: [
      "norm_1": "attn_norm", "norm_2": "ffn_norm", "attn.Wqkv": "attn_qkv", "attn.out_proj": "attn_output",
      "ffn.up_proj": "ffn_up", "ffn.down_proj": "ffn_down",
    ])

  package static func read(_ reader: inout ConfigurationReader) -> ModelConfiguration {
    let width = reader.positive(reader.spelling("d_model", "hidden_size"))
    let heads = reader.positive(reader.spelling("n_heads", "num_attention_heads"))
    // What transformers always does, whatever the file says.
    reader.require("expansion_ratio", 4)
    reader.require("embedding_fraction", 1)
    reader.require("no_bias", true)
    reader.require("norm_type", "low_precision_layernorm", "layernorm")
    reader.passOver("init_config", "init_device", "learned_pos_emb", "loss_fn", "tokenizer_name", "verbose")
    let (clip, scale) = attention(&reader)
    return configuration(
      DecoderShape(
        hiddenSize: width,
        layerCount: reader.positive(
          reader.spelling("n_layers", "num_hidden_layers"), atMost: ConfigurationReader.mostLayers),
        queryHeads: heads, keyValueHeads: heads, headDimension: max(1, width / heads), feedForwardSize: 4 * width,
        vocabularySize: reader.positive("vocab_size"),
        maximumPositions: reader.positive(reader.spelling("max_seq_len", "max_position_embeddings"), default: 2048),
        normEpsilon: Float(reader.positiveReal("layer_norm_epsilon", default: 1e-5)), rotary: nil,
        tiesHead: reader.flag("tie_word_embeddings", default: true)), clip: clip, scale: scale)
  }

  /// What `attn_config` says of bounds and of the scale of scores.
  private static func attention(_ reader: inout ConfigurationReader) -> (clip: Float?, scale: Float?) {
    guard let values = reader.object("attn_config") else { return (nil, nil) }
    let prefix = "attn_config."
    var inner = ConfigurationReader(file: reader.file) { values[String($0.dropFirst(prefix.count))] }
    func real(_ name: String) -> Float? {
      inner.realIfPresent(prefix + name) ?? 0 == 0 ? nil : Float(inner.positiveReal(prefix + name))
    }
    let (clip, scale) = (real("clip_qkv"), real("softmax_scale"))
    inner.reportUnread(among: (values.object?.keys ?? []).map { prefix + $0 }, prefix: prefix, attentionKeys)
    for problem in inner.problems { reader.report(problem) }
    return (clip, scale)
  }

  private static let attentionKeys = KnownKeys(
    harmless: KnownKeys.huggingFace.harmless.union(["attn_impl", "attn_pdrop", "model_type"]),
    neutral: [
      "alibi": [true], "alibi_bias_max": [8], "attn_type": ["multihead_attention"], "attn_uses_sequence_id": [false],
      "prefix_lm": [false], "qk_ln": [false],
    ])

  package static func write(_ configuration: ModelConfiguration) -> [(key: String, value: JSON)] {
    let shape = DecoderShape(configuration)
    let attention = configuration.blocks[0].attention
    return [
      (
        "attn_config",
        [
          "alibi": true, "alibi_bias_max": 8, "clip_qkv": attention.clip.map { JSON(float: $0) } ?? .null,
          "softmax_scale": JSON(float: attention.scale),
        ]
      ), ("d_model", JSON(shape.hiddenSize)), ("layer_norm_epsilon", JSON(float: shape.normEpsilon)),
      ("max_seq_len", JSON(shape.maximumPositions)), ("n_heads", JSON(shape.queryHeads)),
      ("n_layers", JSON(shape.layerCount)),
    ]
  }

  package static func read(gguf reader: inout GGUFReader) -> ModelConfiguration {
    let shape = DecoderShape(&reader, epsilonKey: "attention.layer_norm_epsilon")
    let clips = reader.values.lookup(reader.key("attention.clamp_kqv")).map { $0.double != 0 } ?? false
    let clip = clips ? Float(reader.positiveReal("attention.clamp_kqv")) : nil
    reader.values.require(reader.key("attention.max_alibi_bias"), 8)
    return configuration(shape, clip: clip, scale: nil)
  }

  private static func configuration(_ shape: DecoderShape, clip: Float?, scale: Float?) -> ModelConfiguration {
    let norm = NormConfiguration.layer("norm_f", epsilon: shape.normEpsilon, hasBias: false)
    return shape.configuration(MPT.self, norm: norm) { block, _ in
      (block.attentionNorm, block.feedForwardNorm) = (norm.named("norm_1"), norm.named("norm_2"))
      block.attention.projections = .fused(shape.fused("attn.Wqkv"), .consecutive)
      block.attention.output = shape.output("attn.out_proj")
      block.attention.rotary = nil
      block.attention.slopes = LinearBiases.slopes(heads: shape.queryHeads)
      block.attention.clip = clip
      if let scale { block.attention.scale = scale }
      block.feedForward = shape.plain("ffn.up_proj", "ffn.down_proj", .gelu, hasBias: false)
    }
  }
}
