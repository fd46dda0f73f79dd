import PreciseJSON
import Tensors

/// GPT-Neo (EleutherAI, 2021): learned positions, a window in every other block, scores that are not divided.
package enum GPTNeo: ModelFamily {
  package static let name = "gpt_neo"
  package static let models = "GPT-Neo 125M to 2.7B"
  package static let modelTypes = ["gpt_neo"]
  package static let modelClass = "GPTNeoForCausalLM"
  package static let names = ModelNames(
    embedding: "transformer.wte", positions: "transformer.wpe", finalNorm: "transformer.ln_f", blocks: "transformer.h")

  private static let kinds = ["global", "local"]

  package static func read(_ reader: inout ConfigurationReader) -> ModelConfiguration {
    let width = reader.positive("hidden_size")
    let heads = reader.positive(reader.spelling("num_heads", "num_attention_heads"))
    let shape = DecoderShape(
      hiddenSize: width,
      layerCount: reader.positive(
        reader.spelling("num_layers", "num_hidden_layers"), atMost: ConfigurationReader.mostLayers),
      queryHeads: heads, keyValueHeads: heads, headDimension: max(1, width / heads),
      feedForwardSize: reader.positive("intermediate_size", default: 4 * width),
      vocabularySize: reader.positive("vocab_size"),
      maximumPositions: reader.positive("max_position_embeddings", default: 2048),
      normEpsilon: Float(reader.positiveReal("layer_norm_epsilon", default: 1e-5)), rotary: nil,
      tiesHead: reader.flag("tie_word_embeddings", default: true))
    // Of training, and of a classifier.
    reader.passOver(
      "resid_dropout", "embed_dropout", "summary_activation", "summary_first_dropout", "summary_proj_to_labels",
      "summary_type", "summary_use_proj")
    let windows = windows(&reader, shape.layerCount)
    return configuration(shape, reader.activation("activation_function", default: .geluTanh), windows)
  }

  package static func write(_ configuration: ModelConfiguration) -> [(key: String, value: JSON)] {
    let shape = DecoderShape(configuration)
    let windows = configuration.blocks.map(\.attention.window)
    let layers = JSON.array(windows.map { JSON(kinds[$0 == nil ? 0 : 1]) })
    return [
      ("activation_function", JSON((configuration.blocks[0].feedForward.activation ?? .geluTanh).names[0])),
      ("attention_layers", layers), ("attention_types", [[layers, 1]]),
      ("intermediate_size", JSON(shape.feedForwardSize)), ("layer_norm_epsilon", JSON(float: shape.normEpsilon)),
      ("num_heads", JSON(shape.queryHeads)), ("num_layers", JSON(shape.layerCount)),
      ("window_size", JSON(windows.lazy.compactMap { $0 }.first ?? 256)),
    ]
  }

  /// The window of each block: `attention_types` names kinds of blocks and how often they follow each other;
  /// `attention_layers` is the same, written out.
  private static func windows(_ reader: inout ConfigurationReader, _ layers: Int) -> [Int?] {
    let window = reader.positive("window_size", default: 256)
    var found: [Bool] = []
    func add(_ names: [JSON], _ reader: inout ConfigurationReader, _ key: String) {
      if let other = names.first(where: { !kinds.contains($0.string ?? "") }) {
        reader.report(.unsupported(key: key, found: other.string ?? other.text(), supported: kinds))
      }
      found += names.map { $0.string == kinds[1] }
    }
    for group in reader.list("attention_types") ?? [[["global", "local"], 12]] {
      guard let parts = group.array, parts.count == 2, let names = parts[0].array, let count = parts[1].int,
        (0...ConfigurationReader.mostLayers).contains(count)
      else {
        reader.report(
          .unsupported(key: "attention_types", found: group.text(), supported: ["[[\"global\", \"local\"], 12]"]))
        return []
      }
      for _ in 0..<count where found.count <= layers { add(names, &reader, "attention_types") }
    }
    let types = found
    if types.count != layers {
      reader.report(.inconsistent("`attention_types` names \(types.count) blocks of \(layers)"))
    }
    if let written = reader.list("attention_layers") {
      found = []
      add(written, &reader, "attention_layers")
      if found != types {
        reader.report(.inconsistent("`attention_types` and `attention_layers` name other blocks with a window"))
      }
    }
    return types.map { $0 ? window : nil }
  }

  private static func configuration(
    _ shape: DecoderShape, _ activation: Activation, _ windows: [Int?]
  ) -> ModelConfiguration {
    let norm = NormConfiguration.layer("ln_f", epsilon: shape.normEpsilon)
    var configuration = shape.configuration(GPTNeo.self, norm: norm) { block, layer in
      (block.attentionNorm, block.feedForwardNorm) = (norm.named("ln_1"), norm.named("ln_2"))
      block.attention.projections = shape.separate(
        "attn.attention.q_proj", "attn.attention.k_proj", "attn.attention.v_proj")
      block.attention.output = shape.output("attn.attention.out_proj", hasBias: true)
      block.attention.rotary = nil
      block.attention.scale = 1
      block.attention.window = windows.indices.contains(layer) ? windows[layer] : nil
      block.feedForward = shape.plain("mlp.c_fc", "mlp.c_proj", activation)
    }
    configuration.embedding.positions = EmbeddingConfiguration.Positions(count: shape.maximumPositions)
    return configuration
  }
}
