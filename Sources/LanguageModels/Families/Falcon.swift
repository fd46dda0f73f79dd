import PreciseJSON
import Tensors

/// Falcon (arXiv:2311.16867): parallel halves with one norm or two, one key-value head or a few; the models trained on
/// RefinedWeb alone have linear biases.
package enum Falcon: ModelFamily {
  package static let name = "falcon"
  package static let models = "Falcon 7B, 11B, 40B, 180B and RW"
  package static let modelTypes = ["falcon"]
  package static let modelClass = "FalconForCausalLM"
  package static let names = ModelNames(
    embedding: "transformer.word_embeddings", finalNorm: "transformer.ln_f", blocks: "transformer.h")
  package static let gguf: GGUFLayout? = GGUFLayout(
    architecture: "falcon",
    names: [
      "input_layernorm": "attn_norm", "ln_mlp": "attn_norm", "ln_attn": "attn_norm_2",
      "self_attention.query_key_value": "attn_qkv", "self_attention.dense": "attn_output",
      "mlp.dense_h_to_4h": "ffn_up", "mlp.dense_4h_to_h": "ffn_down",
    ])

  /// Which norms a block has, and where.
  private enum Norms {
    /// One for both halves.
    case shared
    /// One for each of two parallel halves.
    case own
    /// One before each of two halves that follow each other.
    case sequential
  }

  package static func read(_ reader: inout ConfigurationReader) -> ModelConfiguration {
    let width = reader.positive(reader.spelling("hidden_size", "n_embed"))
    let heads = reader.positive(reader.spelling("num_attention_heads", "n_head"))
    let isNew = reader.flag("new_decoder_architecture", default: false)
    let isMultiQuery = reader.flag("multi_query", default: true)
    let stated = reader.positive(reader.spelling("num_kv_heads", "n_head_kv"), default: heads)
    let isParallel = reader.flag("parallel_attn", default: true)
    if isNew, !isParallel {
      reader.report(.unsupported(key: "parallel_attn", found: "false", supported: ["true"]))
    }
    reader.require("apply_residual_connection_post_layernorm", false)
    // The feed-forward size as a factor, beside the size itself.
    reader.passOver("ff_factor")
    let norms = reader.positive("num_ln_in_parallel_attn", default: isNew ? 2 : 1, atMost: 2)
    let hasLinearBiases = reader.flag("alibi", default: false)
    let shape = DecoderShape(
      hiddenSize: width,
      layerCount: reader.positive(
        reader.spelling("num_hidden_layers", "n_layer"), atMost: ConfigurationReader.mostLayers),
      queryHeads: heads, keyValueHeads: isNew ? stated : isMultiQuery ? 1 : heads,
      headDimension: max(1, width / heads), feedForwardSize: reader.positive("ffn_hidden_size", default: 4 * width),
      vocabularySize: reader.positive("vocab_size"),
      maximumPositions: reader.positive("max_position_embeddings", default: 2048),
      normEpsilon: Float(reader.positiveReal("layer_norm_epsilon", default: 1e-5)),
      rotary: RotaryConfiguration(&reader, headDimension: max(1, width / heads)),
      tiesHead: reader.flag("tie_word_embeddings", default: true))
    return configuration(
      shape, reader.activation("activation", default: .gelu), hasBias: reader.flag("bias", default: false),
      !isParallel ? .sequential : isNew && norms == 2 ? .own : .shared, hasLinearBiases: hasLinearBiases)
  }

  package static func write(_ configuration: ModelConfiguration) -> [(key: String, value: JSON)] {
    let shape = DecoderShape(configuration)
    let block = configuration.blocks[0]
    let isParallel = block.wiring == .parallel
    let norms = block.norms.count
    // One key-value head for all is what the first models have.
    let isNew = isParallel && (norms == 2 || shape.keyValueHeads > 1)
    return [
      ("activation", JSON((block.feedForward.activation ?? .gelu).names[0])),
      ("alibi", JSON(block.attention.slopes != nil)), ("bias", JSON(block.maps.allSatisfy(\.hasBias))),
      ("ffn_hidden_size", JSON(shape.feedForwardSize)), ("layer_norm_epsilon", JSON(float: shape.normEpsilon)),
      ("multi_query", JSON(shape.keyValueHeads == 1)), ("new_decoder_architecture", JSON(isNew)),
      ("num_attention_heads", JSON(shape.queryHeads)), ("num_kv_heads", JSON(shape.keyValueHeads)),
      ("num_ln_in_parallel_attn", isNew ? JSON(norms) : .null), ("parallel_attn", JSON(isParallel)),
    ] + (shape.rotary?.members(headDimension: shape.headDimension, RotaryDefaults()) ?? [])
  }

  package static func read(gguf reader: inout GGUFReader) -> ModelConfiguration {
    let shape = DecoderShape(&reader, epsilonKey: "attention.layer_norm_epsilon")
    return configuration(
      shape, .gelu, hasBias: reader.hasBias("self_attention.dense"),
      reader.has("attn_norm_2.weight") ? .own : .shared, hasLinearBiases: false)
  }

  private static func configuration(
    _ shape: DecoderShape, _ activation: Activation, hasBias: Bool, _ norms: Norms, hasLinearBiases: Bool
  ) -> ModelConfiguration {
    let norm = NormConfiguration.layer("ln_f", epsilon: shape.normEpsilon)
    return shape.configuration(Falcon.self, norm: norm) { block, _ in
      block.wiring = norms == .sequential ? .sequential : .parallel
      if norms == .shared { block.feedForwardNorm = nil }
      if norms == .own { (block.attentionNorm, block.feedForwardNorm) = (norm.named("ln_attn"), norm.named("ln_mlp")) }
      block.attention.projections = .fused(shape.fused("self_attention.query_key_value", hasBias: hasBias), .grouped)
      block.attention.output = shape.output("self_attention.dense", hasBias: hasBias)
      block.feedForward = shape.plain("mlp.dense_h_to_4h", "mlp.dense_4h_to_h", activation, hasBias: hasBias)
      if hasLinearBiases {
        block.attention.rotary = nil
        // Rounded as the models were trained, and divided like q·k.
        block.attention.slopes = LinearBiases.slopes(heads: shape.queryHeads).map {
          roundedToBF16($0) * block.attention.scale
        }
      }
    }
  }

  private static func roundedToBF16(_ x: Float) -> Float {
    Float(bitPattern: (x.bitPattern + 0x7FFF + (x.bitPattern >> 16) & 1) & 0xFFFF_0000)
  }
}
