import PreciseJSON
import Tensors

/// GPT-J (EleutherAI, 2021): both halves of a block read the same norm, positions turn neighbours in a part of each head.
package enum GPTJ: ModelFamily {
  package static let name = "gptj"
  package static let models = "GPT-J"
  package static let modelTypes = ["gptj"]
  package static let modelClass = "GPTJForCausalLM"
  package static let names = ModelNames(
    embedding: "transformer.wte", finalNorm: "transformer.ln_f", blocks: "transformer.h")
  /// llama.cpp names its tensors and does not compute it.
  package static let gguf: GGUFLayout? = nil

  package static func read(_ reader: inout ConfigurationReader) -> ModelConfiguration {
    let width = reader.positive(reader.spelling("n_embd", "hidden_size"))
    let heads = reader.positive(reader.spelling("n_head", "num_attention_heads"))
    // Without a number transformers means one that fits no head.
    if reader.isNull("rotary_dim") { reader.report(.missing(key: "rotary_dim")) }
    let turned = reader.positive("rotary_dim", default: 64)
    let shape = DecoderShape(
      hiddenSize: width,
      layerCount: reader.positive(
        reader.spelling("n_layer", "num_hidden_layers"), atMost: ConfigurationReader.mostLayers),
      queryHeads: heads, keyValueHeads: heads, headDimension: max(1, width / heads),
      feedForwardSize: reader.positive("n_inner", default: 4 * width), vocabularySize: reader.positive("vocab_size"),
      maximumPositions: reader.positive(reader.spelling("n_positions", "max_position_embeddings"), default: 2048),
      normEpsilon: Float(reader.positiveReal("layer_norm_epsilon", default: 1e-5)),
      rotary: RotaryConfiguration(base: 10_000, dimension: turned, turnsPairs: true),
      tiesHead: reader.flag("tie_word_embeddings", default: false))
    // Of a classifier.
    reader.passOver(
      "summary_activation", "summary_first_dropout", "summary_proj_to_labels", "summary_type", "summary_use_proj")
    reader.require("rotary", true)
    reader.require("scale_attn_weights", true)
    return configuration(shape, reader.activation("activation_function", default: .geluTanh))
  }

  package static func write(_ configuration: ModelConfiguration) -> [(key: String, value: JSON)] {
    let shape = DecoderShape(configuration)
    let activation = configuration.blocks[0].feedForward.activation ?? .geluTanh
    return [
      ("activation_function", JSON(activation.names[0])), ("layer_norm_epsilon", JSON(float: shape.normEpsilon)),
      ("n_embd", JSON(shape.hiddenSize)), ("n_head", JSON(shape.queryHeads)),
      ("n_inner", JSON(shape.feedForwardSize)), ("n_layer", JSON(shape.layerCount)),
      ("n_positions", JSON(shape.maximumPositions)), ("rotary_dim", JSON(shape.rotary?.dimension ?? 0)),
    ]
  }

  private static func configuration(_ shape: DecoderShape, _ activation: Activation) -> ModelConfiguration {
    let norm = NormConfiguration.layer("ln_f", epsilon: shape.normEpsilon)
    var configuration = shape.configuration(GPTJ.self, norm: norm) { block, _ in
      block.wiring = .parallel
      (block.attentionNorm, block.feedForwardNorm) = (norm.named("ln_1"), nil)
      block.attention.projections = shape.separate("attn.q_proj", "attn.k_proj", "attn.v_proj")
      block.attention.output = shape.output("attn.out_proj")
      block.feedForward = shape.plain("mlp.fc_in", "mlp.fc_out", activation)
    }
    configuration.head.hasBias = true
    return configuration
  }
}
