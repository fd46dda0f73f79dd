import PreciseJSON
import Tensors

/// OPT (arXiv:2205.01068) and Galactica: learned positions from row 2 on, everything with biases.
package enum OPT: ModelFamily {
  package static let name = "opt"
  package static let models = "OPT but 350M"
  package static let modelTypes = ["opt"]
  package static let modelClass = "OPTForCausalLM"
  package static let names = ModelNames(
    embedding: "model.decoder.embed_tokens", positions: "model.decoder.embed_positions",
    finalNorm: "model.decoder.final_layer_norm", blocks: "model.decoder.layers")
  package static let gguf: GGUFLayout? = nil

  package static func read(_ reader: inout ConfigurationReader) -> ModelConfiguration {
    let (width, heads) = (reader.positive("hidden_size"), reader.positive("num_attention_heads"))
    // The model of 350 million parameters norms sums, and has embeddings of another width.
    reader.require("do_layer_norm_before", true)
    reader.require("word_embed_proj_dim", JSON(width))
    reader.require("_remove_final_layer_norm", false)
    reader.require("learned_embeddings", true)
    reader.require("scale_embeddings", false)
    let shape = DecoderShape(
      hiddenSize: width, layerCount: reader.layerCount, queryHeads: heads, keyValueHeads: heads,
      headDimension: max(1, width / heads), feedForwardSize: reader.positive("ffn_dim"),
      vocabularySize: reader.positive("vocab_size"),
      maximumPositions: reader.positive("max_position_embeddings", default: 2048), normEpsilon: 1e-5, rotary: nil,
      tiesHead: reader.flag("tie_word_embeddings", default: true))
    return configuration(
      shape, reader.activation("activation_function", default: .relu),
      hasBias: reader.flag("enable_bias", default: true),
      normsHaveWeights: reader.flag("layer_norm_elementwise_affine", default: true))
  }

  package static func write(_ configuration: ModelConfiguration) -> [(key: String, value: JSON)] {
    let shape = DecoderShape(configuration)
    let block = configuration.blocks[0]
    return [
      ("activation_function", JSON((block.feedForward.activation ?? .relu).names[0])),
      ("do_layer_norm_before", true), ("enable_bias", JSON(block.maps.allSatisfy(\.hasBias))),
      ("ffn_dim", JSON(shape.feedForwardSize)),
      ("layer_norm_elementwise_affine", JSON(configuration.finalNorm?.hasWeight ?? true)),
      ("num_attention_heads", JSON(shape.queryHeads)),
      ("word_embed_proj_dim", JSON(shape.hiddenSize)),
    ]
  }

  private static func configuration(
    _ shape: DecoderShape, _ activation: Activation, hasBias: Bool, normsHaveWeights: Bool
  ) -> ModelConfiguration {
    let norm = NormConfiguration(
      "final_layer_norm", NormFunction(.layer, epsilon: shape.normEpsilon), hasWeight: normsHaveWeights,
      hasBias: normsHaveWeights)
    var configuration = shape.configuration(OPT.self, norm: norm) { block, _ in
      (block.attentionNorm, block.feedForwardNorm) = (norm.named("self_attn_layer_norm"), norm)
      block.attention.projections = shape.separate(
        "self_attn.q_proj", "self_attn.k_proj", "self_attn.v_proj", hasBias: hasBias)
      block.attention.output = shape.output("self_attn.out_proj", hasBias: hasBias)
      block.attention.rotary = nil
      block.feedForward = shape.plain("fc1", "fc2", activation, hasBias: hasBias)
    }
    configuration.embedding.positions = EmbeddingConfiguration.Positions(count: shape.maximumPositions, first: 2)
    return configuration
  }
}
