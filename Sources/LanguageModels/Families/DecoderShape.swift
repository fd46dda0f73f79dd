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
  package var rotary: RotaryConfiguration?
  package var tiesHead: Bool

  package init(
    hiddenSize: Int, layerCount: Int, queryHeads: Int, keyValueHeads: Int, headDimension: Int, feedForwardSize: Int,
    vocabularySize: Int, maximumPositions: Int, normEpsilon: Float, rotary: RotaryConfiguration?, tiesHead: Bool
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

  static let attentionNorm = "input_layernorm"
  static let feedForwardNorm = "post_attention_layernorm"

  static let ggufNames = [
    Map.query.rawValue: "attn_q", Map.key.rawValue: "attn_k", Map.value.rawValue: "attn_v",
    Map.output.rawValue: "attn_output", Map.gate.rawValue: "ffn_gate", Map.up.rawValue: "ffn_up",
    Map.down.rawValue: "ffn_down", attentionNorm: "attn_norm", feedForwardNorm: "ffn_norm",
  ]

  /// A model of these numbers with Llama's blocks.
  ///
  /// - Parameters:
  ///   - biases: The maps that add a bias.
  ///   - norm: What stands before each half of a block and at the end, under whatever name; Llama's norm when nil.
  ///   - change: Makes a block what it is in the family.
  package func configuration(
    _ family: any ModelFamily.Type, biases: Set<Map> = [], norm: NormConfiguration? = nil,
    change: (_ block: inout BlockConfiguration, _ layer: Int) -> Void = { _, _ in }
  ) -> ModelConfiguration {
    let (queries, keys) = (queryHeads * headDimension, keyValueHeads * headDimension)
    let norm = norm ?? .rms("norm", epsilon: normEpsilon)
    func map(_ map: Map, _ inputs: Int, _ outputs: Int) -> LinearConfiguration {
      // The scores of attention and its values are moved by rounding (decision 0010).
      LinearConfiguration(
        map.rawValue, inputs: inputs, outputs: outputs, hasBias: biases.contains(map),
        int8Products: [.query, .key, .value].contains(map) ? .backward : .both)
    }
    let block = BlockConfiguration(
      attention: AttentionConfiguration(
        heads: queryHeads, keyValueHeads: keyValueHeads, headDimension: headDimension,
        projections: .separate(
          query: map(.query, hiddenSize, queries), key: map(.key, hiddenSize, keys),
          value: map(.value, hiddenSize, keys)),
        output: map(.output, queries, hiddenSize), rotary: rotary),
      feedForward: FeedForwardConfiguration(
        .gated(gate: map(.gate, hiddenSize, feedForwardSize), up: map(.up, hiddenSize, feedForwardSize), .silu),
        down: map(.down, feedForwardSize, hiddenSize)),
      attentionNorm: norm.named(Self.attentionNorm), feedForwardNorm: norm.named(Self.feedForwardNorm))
    return ModelConfiguration(
      family: Family(family), hiddenSize: hiddenSize, vocabularySize: vocabularySize,
      maximumPositions: maximumPositions,
      blocks: (0..<layerCount).map { layer in
        var block = block
        change(&block, layer)
        return block
      },
      finalNorm: norm.named("norm"), head: HeadConfiguration(isTied: tiesHead))
  }
}

extension DecoderShape {
  /// The maps that have a bias where `attention_bias` is set.
  static let attentionMaps: Set<Map> = [.query, .key, .value, .output]
  /// The maps that have a bias where `mlp_bias` is set.
  static let feedForwardMaps: Set<Map> = [.gate, .up, .down]

  /// Those that `attention_bias` and `mlp_bias` give biases.
  static func biases(_ reader: inout ConfigurationReader) -> Set<Map> {
    let attention = reader.flag("attention_bias", default: false)
    return (attention ? attentionMaps : []).union(reader.flag("mlp_bias", default: false) ? feedForwardMaps : [])
  }

  /// The members that ``biases(_:)`` reads back.
  static func biasMembers(_ configuration: ModelConfiguration) -> [(key: String, value: JSON)] {
    let block = configuration.blocks[0]
    return [
      ("attention_bias", JSON(block.attention.maps.allSatisfy(\.hasBias))),
      ("mlp_bias", JSON(block.feedForward.maps.allSatisfy(\.hasBias))),
    ]
  }

  /// Reads the keys of `config.json` that these families share.
  init(_ reader: inout ConfigurationReader, _ defaults: DecoderDefaults = DecoderDefaults()) {
    if let activation = reader.string(defaults.activationKey), !defaults.activations.contains(activation) {
      reader.report(
        .unsupported(key: defaults.activationKey, found: activation, supported: [defaults.activations[0]]))
    }
    let hiddenSize = reader.positive("hidden_size")
    let queryHeads = reader.positive("num_attention_heads")
    let headDimension = reader.positive(
      "head_dim",
      default: reader.isNull("head_dim") ? hiddenSize / queryHeads : defaults.headDimension ?? hiddenSize / queryHeads)
    let rotary = RotaryConfiguration(&reader, headDimension: headDimension, defaults.rotary)
    // Files of families without windows may name the kinds of their blocks too.
    _ = reader.windowedLayers(reader.layerCount) { _ in false }
    let keyValueHeads =
      reader.isNull("num_key_value_heads") ? queryHeads : defaults.keyValueHeads ?? queryHeads
    self.init(
      hiddenSize: hiddenSize, layerCount: reader.layerCount, queryHeads: queryHeads,
      keyValueHeads: reader.positive("num_key_value_heads", default: keyValueHeads), headDimension: headDimension,
      feedForwardSize: reader.positive("intermediate_size"), vocabularySize: reader.positive("vocab_size"),
      maximumPositions: reader.positive("max_position_embeddings", default: 2048),
      normEpsilon: Float(
        defaults.epsilonKey.map { reader.positiveReal($0, default: defaults.epsilon) } ?? defaults.epsilon),
      rotary: rotary,
      tiesHead: reader.flag("tie_word_embeddings", default: defaults.tiesHead))
  }

  /// The numbers of a configuration that ``configuration(_:biases:change:)`` made.
  init(_ configuration: ModelConfiguration) {
    let block = configuration.blocks[0]
    self.init(
      hiddenSize: configuration.hiddenSize, layerCount: configuration.blocks.count, queryHeads: block.attention.heads,
      keyValueHeads: block.attention.keyValueHeads, headDimension: block.attention.headDimension,
      feedForwardSize: block.feedForward.size, vocabularySize: configuration.vocabularySize,
      maximumPositions: configuration.maximumPositions,
      normEpsilon: configuration.finalNorm?.function.epsilon ?? 0,
      rotary: configuration.blocks.lazy.compactMap(\.attention.rotary).first, tiesHead: configuration.head.isTied)
  }

  /// The members of `config.json` that say them, but for those that every model has.
  func members(_ defaults: DecoderDefaults = DecoderDefaults()) -> [(key: String, value: JSON)] {
    [
      ("head_dim", JSON(headDimension)), (defaults.activationKey, JSON(defaults.activations[0])),
      ("intermediate_size", JSON(feedForwardSize)), ("num_attention_heads", JSON(queryHeads)),
      ("num_key_value_heads", JSON(keyValueHeads)),
    ] + (defaults.epsilonKey.map { [($0, JSON(float: normEpsilon))] } ?? [])
      + (rotary?.members(headDimension: headDimension, defaults.rotary) ?? [])
  }

  /// A map of all queries, keys and values.
  func fused(_ name: String, hasBias: Bool = false, isTransposed: Bool = false) -> LinearConfiguration {
    LinearConfiguration(
      name, inputs: hiddenSize, outputs: (queryHeads + 2 * keyValueHeads) * headDimension, hasBias: hasBias,
      int8Products: .backward, isTransposed: isTransposed)
  }

  /// A map each for queries, keys and values.
  func separate(_ query: String, _ key: String, _ value: String, hasBias: Bool = false)
    -> AttentionConfiguration.Projections
  {
    func map(_ name: String, _ heads: Int) -> LinearConfiguration {
      LinearConfiguration(
        name, inputs: hiddenSize, outputs: heads * headDimension, hasBias: hasBias, int8Products: .backward)
    }
    return .separate(
      query: map(query, queryHeads), key: map(key, keyValueHeads), value: map(value, keyValueHeads))
  }

  /// The map of what heads gather.
  func output(_ name: String, hasBias: Bool = false, isTransposed: Bool = false) -> LinearConfiguration {
    LinearConfiguration(
      name, inputs: queryHeads * headDimension, outputs: hiddenSize, hasBias: hasBias, isTransposed: isTransposed)
  }

  /// Two maps with a function between them.
  func plain(
    _ up: String, _ down: String, _ activation: Activation, hasBias: Bool = true, isTransposed: Bool = false
  ) -> FeedForwardConfiguration {
    FeedForwardConfiguration(
      .plain(
        LinearConfiguration(
          up, inputs: hiddenSize, outputs: feedForwardSize, hasBias: hasBias, isTransposed: isTransposed),
        activation),
      down: LinearConfiguration(
        down, inputs: feedForwardSize, outputs: hiddenSize, hasBias: hasBias, isTransposed: isTransposed))
  }

  /// A gate and a map, then the last one.
  func gated(_ gate: String, _ up: String, _ down: String, _ activation: GatedActivation = .silu)
    -> FeedForwardConfiguration
  {
    func map(_ name: String) -> LinearConfiguration {
      LinearConfiguration(name, inputs: hiddenSize, outputs: feedForwardSize)
    }
    return FeedForwardConfiguration(
      .gated(gate: map(gate), up: map(up), activation),
      down: LinearConfiguration(down, inputs: feedForwardSize, outputs: hiddenSize))
  }

  /// A map of gate and up in one, then the last one.
  func fusedGate(_ input: String, _ down: String) -> FeedForwardConfiguration {
    FeedForwardConfiguration(
      .fused(LinearConfiguration(input, inputs: hiddenSize, outputs: 2 * feedForwardSize), .silu),
      down: LinearConfiguration(down, inputs: feedForwardSize, outputs: hiddenSize))
  }
}

/// What decoders of a family are where their files do not say, and what some keys are called.
struct DecoderDefaults {
  var rotary = RotaryDefaults()
  /// The values that mean the family's function, the one that is written first.
  var activations = ["silu", "swish"]
  var activationKey = "hidden_act"
  /// Nil for families whose norms always add the same.
  var epsilonKey: String? = "rms_norm_eps"
  var epsilon = 1e-6
  var tiesHead = false
  /// As many as query heads when nil.
  var keyValueHeads: Int?
  /// The hidden size divided among the heads when nil.
  var headDimension: Int?
}
