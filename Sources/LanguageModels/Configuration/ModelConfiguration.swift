import Tensors

/// The numbers that make a model of its family: sizes, the norm's epsilon, rotary positions, what is tied.
///
/// Letters as everywhere: C hidden size, H query heads, K key-value heads, D head dimension, F feed-forward size,
/// V vocabulary.
package struct ModelConfiguration: Sendable, Hashable {
  package var family: ModelFamily
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
  /// V, the rows of the embedding; a tokenizer may use fewer.
  package var vocabularySize: Int
  /// The longest sequence that the model was made for.
  package var maximumPositions: Int
  package var normEpsilon: Float
  package var rotaryBase: Double
  package var rotaryScaling: RotaryTable.Scaling
  /// Whether the output head is the embedding.
  package var tiesHead: Bool
  /// The linear maps that add a bias.
  package var biases: Set<ProjectionKind>

  package init(
    family: ModelFamily, hiddenSize: Int, layerCount: Int, queryHeads: Int, keyValueHeads: Int, headDimension: Int,
    feedForwardSize: Int, vocabularySize: Int, maximumPositions: Int, normEpsilon: Float, rotaryBase: Double,
    rotaryScaling: RotaryTable.Scaling = .none, tiesHead: Bool, biases: Set<ProjectionKind> = []
  ) {
    self.family = family
    self.hiddenSize = hiddenSize
    self.layerCount = layerCount
    self.queryHeads = queryHeads
    self.keyValueHeads = keyValueHeads
    self.headDimension = headDimension
    self.feedForwardSize = feedForwardSize
    self.vocabularySize = vocabularySize
    self.maximumPositions = maximumPositions
    self.normEpsilon = normEpsilon
    self.rotaryBase = rotaryBase
    self.rotaryScaling = rotaryScaling
    self.tiesHead = tiesHead
    self.biases = biases
  }
}

extension ModelConfiguration {
  /// The shape [out, in] of a linear map of a block.
  package func shape(of projection: ProjectionKind) -> [Int] {
    switch projection {
    case .query: [queryHeads * headDimension, hiddenSize]
    case .key, .value: [keyValueHeads * headDimension, hiddenSize]
    case .output: [hiddenSize, queryHeads * headDimension]
    case .gate, .up: [feedForwardSize, hiddenSize]
    case .down: [hiddenSize, feedForwardSize]
    }
  }

  /// Every tensor that the model's files must hold, block by block.
  ///
  /// A tied head is not among them.
  package var tensors: [TensorSpecification] {
    var all = [TensorSpecification(role: .embedding, shape: [vocabularySize, hiddenSize])]
    for layer in 0..<layerCount {
      for norm in NormKind.allCases {
        all.append(TensorSpecification(role: .norm(norm, layer: layer), shape: [hiddenSize]))
      }
      for projection in ProjectionKind.allCases {
        let shape = shape(of: projection)
        all.append(TensorSpecification(role: .weight(projection, layer: layer), shape: shape))
        if biases.contains(projection) {
          all.append(TensorSpecification(role: .bias(projection, layer: layer), shape: [shape[0]]))
        }
      }
    }
    all.append(TensorSpecification(role: .finalNorm, shape: [hiddenSize]))
    if !tiesHead { all.append(TensorSpecification(role: .head, shape: [vocabularySize, hiddenSize])) }
    return all
  }

  /// How many numbers the model's files hold.
  package var parameterCount: Int { tensors.reduce(0) { $0 + $1.shape.reduce(1, *) } }
}
