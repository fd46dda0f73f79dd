import Tensors

/// What the attention of a block is: causal, with grouped heads (arXiv:2305.13245).
package struct AttentionConfiguration: Sendable, Hashable {
  /// How queries, keys and values come about.
  package enum Projections: Sendable, Hashable {
    /// A map each.
    case separate(query: LinearConfiguration, key: LinearConfiguration, value: LinearConfiguration)
    /// One map for all.
    case fused(LinearConfiguration, FusedHeads)
    /// By way of short vectors.
    case latent(LatentConfiguration)
  }

  /// The order of the heads in the rows of a fused map.
  package enum FusedHeads: Sendable, Hashable {
    /// All of the queries, then all keys, then all values.
    case consecutive
    /// For each key-value head its queries, its key, its value.
    case grouped
  }

  /// Queries at position p are multiplied by 1 + rate · ln(1 + ⌊p / length⌋), so that long texts do not flatten the
  /// probabilities (arXiv:2501.19399).
  package struct QueryGrowth: Sendable, Hashable {
    package var rate: Float
    /// How many positions there are before queries grow.
    package var length: Int

    package init(rate: Float, length: Int) {
      self.rate = rate
      self.length = length
    }
  }

  /// H, a multiple of K.
  package var heads: Int
  /// K.
  package var keyValueHeads: Int
  /// D.
  package var headDimension: Int
  /// Elements of a value of a head; D in most models.
  package var valueDimension: Int
  package var projections: Projections
  package var output: LinearConfiguration
  package var queryNorm: HeadNormConfiguration?
  package var keyNorm: HeadNormConfiguration?
  /// Whether queries and keys are turned before they are normed.
  package var normsTurned: Bool
  /// How queries grow with their position, where each has a map of its own; nil where they do not.
  package var queryGrowth: QueryGrowth?
  /// Queries, keys and values, after norms and before positions, are held within ± this.
  package var clip: Float?
  /// What q·k is multiplied by.
  package var scale: Float
  /// Nil where positions do not turn queries and keys.
  package var rotary: RotaryConfiguration?
  /// How many tokens up to itself a token sees; all before it when nil.
  package var window: Int?
  /// Scores become cap · tanh(score / cap).
  package var softCap: Float?
  /// What a distance of one token costs in each head (ALiBi, arXiv:2108.12409).
  package var slopes: [Float]?
  /// The name of a score of each head that takes a share of the probability and adds nothing (arXiv:2309.17453).
  package var sinks: String?

  package init(
    heads: Int, keyValueHeads: Int, headDimension: Int, valueDimension: Int? = nil,
    projections: Projections, output: LinearConfiguration,
    scale: Float? = nil, rotary: RotaryConfiguration? = nil
  ) {
    self.heads = heads
    self.keyValueHeads = keyValueHeads
    self.headDimension = headDimension
    self.valueDimension = valueDimension ?? headDimension
    self.projections = projections
    self.output = output
    self.scale = scale ?? 1 / Float(headDimension).squareRoot()
    self.rotary = rotary
    normsTurned = false
  }

  package var maps: [LinearConfiguration] {
    switch projections {
    case .separate(let query, let key, let value): [query, key, value, output]
    case .fused(let map, _): [map, output]
    case .latent(let latent): latent.maps + [output]
    }
  }

  /// Every tensor but those of the maps.
  func tensors(layer: Int) -> [(role: TensorRole, shape: [Int])] {
    var all: [(role: TensorRole, shape: [Int])] = []
    for (norm, heads) in [(queryNorm, heads), (keyNorm, keyValueHeads)] {
      all += norm?.tensors(layer: layer, heads: heads, dimension: headDimension) ?? []
    }
    if case .latent(let latent) = projections { all += latent.tensors(layer: layer) }
    if let sinks { all.append((TensorRole(.block(sinks, layer: layer), "", .bias), [heads])) }
    return all
  }

  /// The floats that a cache keeps of a token.
  var cached: (keys: Int, values: Int) { (keyValueHeads * headDimension, keyValueHeads * valueDimension) }
}
