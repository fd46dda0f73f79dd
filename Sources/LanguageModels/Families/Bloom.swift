import PreciseJSON
import Tensors

/// BLOOM (arXiv:2211.05100): linear biases in place of positions, a norm of the embeddings, everything with biases.
package enum Bloom: ModelFamily {
  package static let name = "bloom"
  package static let models = "BLOOM, BLOOMZ"
  package static let modelTypes = ["bloom"]
  package static let modelClass = "BloomForCausalLM"
  package static let names = ModelNames(
    embedding: "transformer.word_embeddings", embeddingNorm: "transformer.word_embeddings_layernorm",
    finalNorm: "transformer.ln_f", blocks: "transformer.h")
  package static let gguf: GGUFLayout? = GGUFLayout(
    architecture: "bloom",
    names: [
      "input_layernorm": "attn_norm", "post_attention_layernorm": "ffn_norm",
      "self_attention.query_key_value": "attn_qkv", "self_attention.dense": "attn_output",
      "mlp.dense_h_to_4h": "ffn_up", "mlp.dense_4h_to_h": "ffn_down",
    ])

  package static func read(_ reader: inout ConfigurationReader) -> ModelConfiguration {
    let width = reader.positive(reader.spelling("hidden_size", "n_embed"))
    let heads = reader.positive(reader.spelling("n_head", "num_attention_heads"))
    reader.require("apply_residual_connection_post_layernorm", false)
    // How Megatron computed, which changes nothing but rounding.
    reader.passOver(
      "attention_softmax_in_fp32", "bias_dropout_fusion", "masked_softmax_fusion", "offset_alibi", "skip_bias_add",
      "skip_bias_add_qkv", "slow_but_exact")
    return configuration(
      DecoderShape(
        hiddenSize: width,
        layerCount: reader.positive(
          reader.spelling("n_layer", "num_hidden_layers"), atMost: ConfigurationReader.mostLayers),
        queryHeads: heads, keyValueHeads: heads, headDimension: max(1, width / heads), feedForwardSize: 4 * width,
        vocabularySize: reader.positive("vocab_size"),
        // What it was trained with: linear biases have no end.
        maximumPositions: reader.positive(reader.spelling("max_position_embeddings", "seq_length"), default: 2048),
        normEpsilon: Float(reader.positiveReal("layer_norm_epsilon", default: 1e-5)), rotary: nil,
        tiesHead: reader.flag("tie_word_embeddings", default: true)))
  }

  package static func write(_ configuration: ModelConfiguration) -> [(key: String, value: JSON)] {
    let shape = DecoderShape(configuration)
    return [
      ("layer_norm_epsilon", JSON(float: shape.normEpsilon)), ("n_head", JSON(shape.queryHeads)),
      ("n_layer", JSON(shape.layerCount)),
    ]
  }

  package static func read(gguf reader: inout GGUFReader) -> ModelConfiguration {
    configuration(DecoderShape(&reader, epsilonKey: "attention.layer_norm_epsilon"))
  }

  private static func configuration(_ shape: DecoderShape) -> ModelConfiguration {
    let norm = NormConfiguration.layer("norm", epsilon: shape.normEpsilon)
    var configuration = shape.configuration(Bloom.self, norm: norm) { block, _ in
      block.attention.projections = .fused(shape.fused("self_attention.query_key_value", hasBias: true), .grouped)
      block.attention.output = shape.output("self_attention.dense", hasBias: true)
      block.attention.rotary = nil
      block.attention.slopes = LinearBiases.slopes(heads: shape.queryHeads)
      block.feedForward = shape.plain("mlp.dense_h_to_4h", "mlp.dense_4h_to_h", .geluTanh)
    }
    configuration.embedding.norm = norm
    return configuration
  }
}
