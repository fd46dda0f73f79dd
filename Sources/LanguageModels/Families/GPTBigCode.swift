import PreciseJSON
import Tensors

/// StarCoder and SantaCoder (arXiv:2305.06161): GPT-2 whose heads share one key and one value.
package enum GPTBigCode: ModelFamily {
  package static let name = "gpt_bigcode"
  package static let models = "StarCoder 1, StarCoderBase 1B to 15B, SantaCoder, Granite Code 20B and 34B"
  package static let modelTypes = ["gpt_bigcode"]
  package static let modelClass = "GPTBigCodeForCausalLM"
  package static let names = GPT2.names
  package static let gguf: GGUFLayout? = GGUFLayout(architecture: "starcoder", names: GPT2.gguf?.names ?? [:])

  package static func read(_ reader: inout ConfigurationReader) -> ModelConfiguration {
    let width = reader.positive(reader.spelling("n_embd", "hidden_size"))
    let heads = reader.positive(reader.spelling("n_head", "num_attention_heads"))
    let sharesKeys = reader.flag("multi_query", default: true)
    let shape = DecoderShape(
      hiddenSize: width,
      layerCount: reader.positive(
        reader.spelling("n_layer", "num_hidden_layers"), atMost: ConfigurationReader.mostLayers),
      queryHeads: heads, keyValueHeads: sharesKeys ? 1 : heads, headDimension: max(1, width / heads),
      feedForwardSize: reader.positive("n_inner", default: 4 * width), vocabularySize: reader.positive("vocab_size"),
      maximumPositions: reader.positive(reader.spelling("n_positions", "max_position_embeddings"), default: 1024),
      normEpsilon: Float(reader.positiveReal("layer_norm_epsilon", default: 1e-5)), rotary: nil,
      tiesHead: reader.flag("tie_word_embeddings", default: true))
    // It follows from `multi_query`.
    reader.require("num_key_value_heads", JSON(shape.keyValueHeads))
    // Of a classifier, of arithmetic in 16 bits, and of the publisher's server.
    reader.passOver(
      "summary_activation", "summary_first_dropout", "summary_proj_to_labels", "summary_type", "summary_use_proj",
      "attention_softmax_in_fp32", "scale_attention_softmax_in_fp32", "inference_runner", "max_batch_size",
      "pad_key_length", "pre_allocate_kv_cache", "validate_runner_input")
    let scales = reader.flag("scale_attn_weights", default: true)
    return configuration(
      shape, reader.activation("activation_function", default: .geluTanh), sharesKeys ? .consecutive : .grouped,
      scales: scales)
  }

  package static func write(_ configuration: ModelConfiguration) -> [(key: String, value: JSON)] {
    let shape = DecoderShape(configuration)
    let block = configuration.blocks[0]
    return [
      ("activation_function", JSON((block.feedForward.activation ?? .geluTanh).names[0])),
      ("layer_norm_epsilon", JSON(float: shape.normEpsilon)), ("multi_query", JSON(shape.keyValueHeads == 1)),
      ("n_embd", JSON(shape.hiddenSize)), ("n_head", JSON(shape.queryHeads)),
      ("n_inner", JSON(shape.feedForwardSize)), ("n_layer", JSON(shape.layerCount)),
      ("n_positions", JSON(shape.maximumPositions)), ("scale_attn_weights", JSON(block.attention.scale != 1)),
    ]
  }

  /// The files hold models whose heads share one key.
  package static func read(gguf reader: inout GGUFReader) -> ModelConfiguration {
    let shape = DecoderShape(&reader, epsilonKey: "attention.layer_norm_epsilon")
    reader.values.require(reader.key("attention.head_count_kv"), 1)
    return configuration(shape, .geluTanh, .consecutive, scales: true)
  }

  private static func configuration(
    _ shape: DecoderShape, _ activation: Activation, _ order: AttentionConfiguration.FusedHeads, scales: Bool
  ) -> ModelConfiguration {
    let norm = NormConfiguration.layer("ln_f", epsilon: shape.normEpsilon)
    var configuration = shape.configuration(GPTBigCode.self, norm: norm) { block, _ in
      (block.attentionNorm, block.feedForwardNorm) = (norm.named("ln_1"), norm.named("ln_2"))
      block.attention.projections = .fused(shape.fused("attn.c_attn", hasBias: true), order)
      block.attention.output = shape.output("attn.c_proj", hasBias: true)
      block.attention.rotary = nil
      if !scales { block.attention.scale = 1 }
      block.feedForward = shape.plain("mlp.c_fc", "mlp.c_proj", activation)
    }
    configuration.embedding.positions = EmbeddingConfiguration.Positions(count: shape.maximumPositions)
    return configuration
  }
}
