import PreciseJSON
import Tensors

/// GPT-2 (OpenAI, 2019): learned positions, norms and maps with biases, weights stored as [in, out].
package enum GPT2: ModelFamily {
  package static let name = "gpt2"
  package static let models = "GPT-2, DistilGPT-2"
  package static let modelTypes = ["gpt2"]
  package static let modelClass = "GPT2LMHeadModel"
  package static let names = ModelNames(
    embedding: "transformer.wte", positions: "transformer.wpe", finalNorm: "transformer.ln_f", blocks: "transformer.h")
  package static let gguf: GGUFLayout? = GGUFLayout(
    architecture: "gpt2",
    names: [
      "ln_1": "attn_norm", "ln_2": "ffn_norm", "attn.c_attn": "attn_qkv", "attn.c_proj": "attn_output",
      "mlp.c_fc": "ffn_up", "mlp.c_proj": "ffn_down",
    ])

  package static func read(_ reader: inout ConfigurationReader) -> ModelConfiguration {
    let activation = reader.string("activation_function") ?? "gelu_new"
    if !["gelu_new", "gelu_pytorch_tanh", "gelu_fast"].contains(activation) {
      reader.report(.unsupported(key: "activation_function", found: activation, supported: ["gelu_new"]))
    }
    let width = reader.positive(reader.spelling("n_embd", "hidden_size"))
    let heads = reader.positive(reader.spelling("n_head", "num_attention_heads"))
    let shape = DecoderShape(
      hiddenSize: width,
      layerCount: reader.positive(
        reader.spelling("n_layer", "num_hidden_layers"), atMost: ConfigurationReader.mostLayers),
      queryHeads: heads, keyValueHeads: heads, headDimension: max(1, width / heads),
      feedForwardSize: reader.positive("n_inner", default: 4 * width), vocabularySize: reader.positive("vocab_size"),
      maximumPositions: reader.positive(reader.spelling("n_positions", "max_position_embeddings"), default: 1024),
      normEpsilon: Float(reader.positiveReal("layer_norm_epsilon", default: 1e-5)), rotary: nil,
      tiesHead: reader.flag("tie_word_embeddings", default: true))
    // Of a classifier, of arithmetic in 16 bits, and an old name of the positions.
    reader.passOver(
      "summary_activation", "summary_first_dropout", "summary_proj_to_labels", "summary_type", "summary_use_proj",
      "reorder_and_upcast_attn", "n_ctx")
    let scales = reader.flag("scale_attn_weights", default: true)
    let scalesByLayer = reader.flag("scale_attn_by_inverse_layer_idx", default: false)
    return configuration(shape) { attention, layer in
      if !scales { attention.scale = 1 }
      if scalesByLayer { attention.scale /= Float(layer + 1) }
    }
  }

  package static func write(_ configuration: ModelConfiguration) -> [(key: String, value: JSON)] {
    let shape = DecoderShape(configuration)
    let scales = configuration.blocks.map(\.attention.scale)
    return [
      ("activation_function", "gelu_new"), ("layer_norm_epsilon", JSON(float: shape.normEpsilon)),
      ("n_embd", JSON(shape.hiddenSize)), ("n_head", JSON(shape.queryHeads)),
      ("n_inner", JSON(shape.feedForwardSize)), ("n_layer", JSON(shape.layerCount)),
      ("n_positions", JSON(shape.maximumPositions)),
      ("scale_attn_by_inverse_layer_idx", JSON(scales.count > 1 && scales[1] != scales[0])),
      ("scale_attn_weights", JSON(scales[0] != 1)),
    ]
  }

  package static func read(gguf reader: inout GGUFReader) -> ModelConfiguration {
    configuration(DecoderShape(&reader, epsilonKey: "attention.layer_norm_epsilon"))
  }

  private static func configuration(
    _ shape: DecoderShape, change: (inout AttentionConfiguration, Int) -> Void = { _, _ in }
  ) -> ModelConfiguration {
    var configuration = shape.configuration(GPT2.self) { block, layer in
      block.attention.projections = .fused(
        shape.fused("attn.c_attn", hasBias: true, isTransposed: true), .consecutive)
      block.attention.output = shape.output("attn.c_proj", hasBias: true, isTransposed: true)
      block.attention.rotary = nil
      block.feedForward = shape.plain("mlp.c_fc", "mlp.c_proj", .geluTanh, isTransposed: true)
      block.attentionNorm = .layer("ln_1", epsilon: shape.normEpsilon)
      block.feedForwardNorm = .layer("ln_2", epsilon: shape.normEpsilon)
      change(&block.attention, layer)
    }
    configuration.embedding.positions = EmbeddingConfiguration.Positions(count: shape.maximumPositions)
    configuration.finalNorm = .layer("ln_f", epsilon: shape.normEpsilon)
    return configuration
  }
}
