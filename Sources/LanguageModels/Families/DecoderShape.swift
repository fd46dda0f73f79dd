import PreciseJSON
import Tensors

/// The numbers of decoders like Llama's, which most families give under the same names: sizes, heads, positions, one kind
/// of block with a norm before each half.
package struct DecoderShape: Sendable, Hashable {
  /// C.
  package var hiddenSize: Int
  package var layerCount: Int
  /// H, a multiple of K.
  package var queryHeads: Int
  /// K.
  package var keyValueHeads: Int
  /// D, even.
  package var headDimension: Int
  /// F.
  package var feedForwardSize: Int
  /// V.
  package var vocabularySize: Int
  package var maximumPositions: Int
  package var normEpsilon: Float
  package var rotary: RotaryConfiguration
  package var tiesHead: Bool

  package init(
    hiddenSize: Int, layerCount: Int, queryHeads: Int, keyValueHeads: Int, headDimension: Int, feedForwardSize: Int,
    vocabularySize: Int, maximumPositions: Int, normEpsilon: Float, rotary: RotaryConfiguration, tiesHead: Bool
  ) {
    self.hiddenSize = hiddenSize
    self.layerCount = layerCount
    self.queryHeads = queryHeads
    self.keyValueHeads = keyValueHeads
    self.headDimension = headDimension
    self.feedForwardSize = feedForwardSize
    self.vocabularySize = vocabularySize
    self.maximumPositions = maximumPositions
    self.normEpsilon = normEpsilon
    self.rotary = rotary
    self.tiesHead = tiesHead
  }
}

extension DecoderShape {
  /// What the linear maps of a block are called, in transformers and, by that, in GGUF files.
  package enum Map: String, CaseIterable, Sendable {
    case query = "self_attn.q_proj"
    case key = "self_attn.k_proj"
    case value = "self_attn.v_proj"
    case output = "self_attn.o_proj"
    case gate = "mlp.gate_proj"
    case up = "mlp.up_proj"
    case down = "mlp.down_proj"
  }

  private static let attentionNorm = "input_layernorm"
  private static let feedForwardNorm = "post_attention_layernorm"

  static let ggufNames = [
    Map.query.rawValue: "attn_q", Map.key.rawValue: "attn_k", Map.value.rawValue: "attn_v",
    Map.output.rawValue: "attn_output", Map.gate.rawValue: "ffn_gate", Map.up.rawValue: "ffn_up",
    Map.down.rawValue: "ffn_down", attentionNorm: "attn_norm", feedForwardNorm: "ffn_norm",
  ]

  /// A model of these numbers whose blocks are all alike.
  ///
  /// - Parameter biases: The maps that add a bias.
  package func configuration(_ family: any ModelFamily.Type, biases: Set<Map> = []) -> ModelConfiguration {
    let (queries, keys) = (queryHeads * headDimension, keyValueHeads * headDimension)
    func map(_ map: Map, _ inputs: Int, _ outputs: Int) -> LinearConfiguration {
      // The scores of attention and its values are moved by rounding (decision 0010).
      LinearConfiguration(
        map.rawValue, inputs: inputs, outputs: outputs, hasBias: biases.contains(map),
        int8Products: [.query, .key, .value].contains(map) ? .backward : .both)
    }
    let block = BlockConfiguration(
      attention: AttentionConfiguration(
        heads: queryHeads, keyValueHeads: keyValueHeads, headDimension: headDimension,
        query: map(.query, hiddenSize, queries), key: map(.key, hiddenSize, keys),
        value: map(.value, hiddenSize, keys), output: map(.output, queries, hiddenSize)),
      feedForward: FeedForwardConfiguration(
        gate: map(.gate, hiddenSize, feedForwardSize), up: map(.up, hiddenSize, feedForwardSize),
        down: map(.down, feedForwardSize, hiddenSize)),
      attentionNorm: NormConfiguration(Self.attentionNorm, epsilon: normEpsilon),
      feedForwardNorm: NormConfiguration(Self.feedForwardNorm, epsilon: normEpsilon))
    return ModelConfiguration(
      family: Family(family), hiddenSize: hiddenSize, vocabularySize: vocabularySize,
      maximumPositions: maximumPositions, rotary: rotary,
      blocks: [BlockConfiguration](repeating: block, count: layerCount),
      finalNorm: NormConfiguration("norm", epsilon: normEpsilon), tiesHead: tiesHead)
  }
}

extension DecoderShape {
  /// The maps that have a bias where `attention_bias` is set.
  static let attentionMaps: Set<Map> = [.query, .key, .value, .output]
  /// The maps that have a bias where `mlp_bias` is set.
  static let feedForwardMaps: Set<Map> = [.gate, .up, .down]

  /// Reads the keys of `config.json` that these families share.
  init(_ reader: inout ConfigurationReader) {
    if let activation = reader.string("hidden_act"), !["silu", "swish"].contains(activation) {
      reader.report(.unsupported(key: "hidden_act", found: activation, supported: ["silu"]))
    }
    let hiddenSize = reader.positive("hidden_size")
    let queryHeads = reader.positive("num_attention_heads")
    let rotary = RotaryConfiguration(&reader)
    var positions = reader.positive("max_position_embeddings", default: 2048)
    let kinds = ["full_attention", "sliding_attention"]
    if let other = reader.lookup("layer_types")?.array?.first(where: { !kinds.contains($0.string ?? "") }) {
      reader.report(.unsupported(key: "layer_types", found: other.string ?? other.kind, supported: kinds))
    }
    // Within a window the sliding attention is full attention, so that the window is the longest exact sequence.
    let (window, usesWindow) = (reader.lookup("sliding_window"), reader.flag("use_sliding_window", default: true))
    if usesWindow, window != nil { positions = min(positions, reader.positive("sliding_window")) }
    self.init(
      hiddenSize: hiddenSize, layerCount: reader.positive("num_hidden_layers", atMost: ConfigurationReader.mostLayers),
      queryHeads: queryHeads, keyValueHeads: reader.positive("num_key_value_heads", default: queryHeads),
      headDimension: reader.positive("head_dim", default: max(1, hiddenSize / queryHeads)),
      feedForwardSize: reader.positive("intermediate_size"), vocabularySize: reader.positive("vocab_size"),
      maximumPositions: positions, normEpsilon: Float(reader.positiveReal("rms_norm_eps", default: 1e-6)),
      rotary: rotary, tiesHead: reader.flag("tie_word_embeddings", default: false))
  }

  /// The numbers of a configuration that ``configuration(_:biases:)`` made.
  init(_ configuration: ModelConfiguration) {
    let block = configuration.blocks[0]
    self.init(
      hiddenSize: configuration.hiddenSize, layerCount: configuration.blocks.count, queryHeads: block.attention.heads,
      keyValueHeads: block.attention.keyValueHeads, headDimension: block.attention.headDimension,
      feedForwardSize: block.feedForward.size, vocabularySize: configuration.vocabularySize,
      maximumPositions: configuration.maximumPositions, normEpsilon: configuration.finalNorm.epsilon,
      rotary: configuration.rotary, tiesHead: configuration.tiesHead)
  }

  /// The members of `config.json` that say them, but for those that every model has.
  var members: [(key: String, value: JSON)] {
    [
      ("head_dim", JSON(headDimension)), ("hidden_act", "silu"), ("intermediate_size", JSON(feedForwardSize)),
      ("num_attention_heads", JSON(queryHeads)), ("num_key_value_heads", JSON(keyValueHeads)),
      ("rms_norm_eps", .number(JSONNumber(text: "\(normEpsilon)"))),
    ] + rotary.members(positions: maximumPositions)
  }
}

extension DecoderShape {
  /// Reads the metadata of a GGUF file that these families share.
  init(_ reader: inout GGUFReader) {
    let hiddenSize = reader.positive("embedding_length")
    let queryHeads = reader.positive("attention.head_count")
    let headDimension = reader.positive("attention.key_length", default: max(1, hiddenSize / queryHeads))
    let valueLength = reader.positive("attention.value_length", default: headDimension)
    let rotated = reader.positive("rope.dimension_count", default: headDimension)
    if valueLength != headDimension || rotated != headDimension {
      reader.values.report(
        .inconsistent(
          "Heads have \(headDimension) elements, values \(valueLength) and rotary positions \(rotated): they must agree"
        ))
    }
    let vocabularySize = reader.vocabularySize
    var positions = reader.positive("context_length")
    // As in `config.json`: within the window sliding attention is full attention.
    if reader.values.lookup(reader.key("attention.sliding_window")) != nil {
      positions = min(positions, reader.positive("attention.sliding_window"))
    }
    let rotary = RotaryConfiguration(&reader, headDimension: headDimension)
    self.init(
      hiddenSize: hiddenSize, layerCount: reader.positive("block_count", atMost: ConfigurationReader.mostLayers),
      queryHeads: queryHeads, keyValueHeads: reader.positive("attention.head_count_kv", default: queryHeads),
      headDimension: headDimension, feedForwardSize: reader.positive("feed_forward_length"),
      vocabularySize: vocabularySize, maximumPositions: positions,
      normEpsilon: Float(reader.positiveReal("attention.layer_norm_rms_epsilon")), rotary: rotary,
      tiesHead: reader.tiesHead)
  }

  /// The maps for which a GGUF file holds biases.
  static func biases(_ reader: GGUFReader) -> Set<Map> { Set(Map.allCases.filter { reader.hasBias($0.rawValue) }) }
}
