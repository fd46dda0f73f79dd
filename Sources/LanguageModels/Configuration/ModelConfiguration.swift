import Tensors

/// What a model is made of, as data: sizes, embedding, blocks, the head.
///
/// What its files call things is its family's business.
///
/// Letters as everywhere: C hidden size, H query heads, K key-value heads, D head dimension, F feed-forward size,
/// V vocabulary.
package struct ModelConfiguration: Sendable, Hashable {
  package var family: Family
  /// C.
  package var hiddenSize: Int
  /// V, the rows of the embedding; a tokenizer may use fewer.
  package var vocabularySize: Int
  /// The longest sequence that the model was made for.
  package var maximumPositions: Int
  package var embedding: EmbeddingConfiguration
  package var blocks: [BlockConfiguration]
  package var finalNorm: NormConfiguration?
  package var head: HeadConfiguration

  package init(
    family: Family, hiddenSize: Int, vocabularySize: Int, maximumPositions: Int,
    embedding: EmbeddingConfiguration = EmbeddingConfiguration(), blocks: [BlockConfiguration],
    finalNorm: NormConfiguration?, head: HeadConfiguration
  ) {
    self.family = family
    self.hiddenSize = hiddenSize
    self.vocabularySize = vocabularySize
    self.maximumPositions = maximumPositions
    self.embedding = embedding
    self.blocks = blocks
    self.finalNorm = finalNorm
    self.head = head
  }
}

extension ModelConfiguration {
  /// Every tensor that the model's files must hold, block by block.
  ///
  /// A tied head is not among them.
  package var tensors: [TensorSpecification] {
    var all = embedding.tensors(vocabulary: vocabularySize, width: hiddenSize)
    for (layer, block) in blocks.enumerated() { all += block.tensors(layer: layer, width: hiddenSize) }
    all += finalNorm?.tensors(.finalNorm, [hiddenSize]) ?? []
    all += head.tensors(vocabulary: vocabularySize, width: hiddenSize)
    return all.map { TensorSpecification(name: name(of: $0.role), role: $0.role, shape: $0.shape) }
  }

  /// The tensors by Hugging Face's names.
  ///
  /// Cost: the list of all tensors; make it once where several are looked up.
  package var tensorsByName: [String: TensorSpecification] {
    Dictionary(tensors.map { ($0.name, $0) }, uniquingKeysWith: { first, _ in first })
  }

  /// How many numbers the model's files hold.
  package var parameterCount: Int { tensors.reduce(0) { $0 + $1.shape.reduce(1, *) } }

  /// The linear maps that blocks have, by their short names, in the order of the first block that has each.
  package var maps: [LinearConfiguration] {
    var seen: Set<String> = []
    return blocks.flatMap(\.maps).filter { seen.insert($0.shortName).inserted }
  }
}
