import Tensors

/// What stands before the first block, besides the table of the vocabulary, as data.
package struct EmbeddingConfiguration: Sendable, Hashable {
  /// What the rows of the table are multiplied by.
  package var scale: Float
  /// Learned positions, added to the tokens: how many rows their table has, and which one position 0 reads.
  package var positions: Positions?
  /// The norm of what the first block reads.
  package var norm: NormConfiguration?

  package struct Positions: Sendable, Hashable {
    package var count: Int
    package var first: Int

    package init(count: Int, first: Int = 0) {
      self.count = count
      self.first = first
    }
  }

  package init(scale: Float = 1, positions: Positions? = nil, norm: NormConfiguration? = nil) {
    self.scale = scale
    self.positions = positions
    self.norm = norm
  }

  /// Every tensor.
  ///
  /// - Parameters:
  ///   - vocabulary: V.
  ///   - width: C.
  func tensors(vocabulary: Int, width: Int) -> [(role: TensorRole, shape: [Int])] {
    [(.embedding, [vocabulary, width])]
      + (positions.map { [(.positions, [$0.first + $0.count, width])] } ?? [])
      + (norm?.tensors(.embeddingNorm, [width]) ?? [])
  }
}

/// What makes the first block's input, with its weights.
package struct Embedding {
  package let configuration: EmbeddingConfiguration
  /// [V, C].
  package let table: WeightTable
  /// [positions, C].
  private let positions: WeightTable?
  private let norm: Norm?

  init(_ configuration: EmbeddingConfiguration, vocabulary: Int, width: Int, _ loader: WeightLoader) throws {
    self.configuration = configuration
    table = try loader.table(.embedding, [vocabulary, width])
    positions = try configuration.positions.map { try loader.table(.positions, [$0.first + $0.count, width]) }
    norm = try configuration.norm.map { try Norm($0, .embeddingNorm, [width], loader) }
  }

  /// The rows of tokens: [T, C].
  ///
  /// - Parameters:
  ///   - noise: [T, C], added to the rows of the table once they are scaled.
  ///   - prompt: The rows of the ids behind the vocabulary, which are not scaled.
  /// - Throws: ``TensorError`` for ids outside of the vocabulary, and positions that have no row.
  func callAsFunction(
    _ tape: Tape, _ ids: [Int32], _ context: AttentionContext, noise: Tensor? = nil, prompt: LearnedPrompt? = nil
  ) throws -> Variable {
    let places = prompt.map { prompt in ids.map { prompt.place(of: $0) } }
    let known = places.map { zip(ids, $0).map { $1 == nil ? $0 : 0 } } ?? ids
    var x = tape.scale(try table.rows(tape, known), by: configuration.scale)
    if let noise { x = tape.add(x, Variable(noise)) }
    if let prompt, !prompt.standsInLayers, let places, places.contains(where: { $0 != nil }) {
      x = tape.replaceRows(x, places, with: prompt.tokens(tape))
    }
    if let positions, let numbers = configuration.positions {
      let places = context.positions(of: ids.count)
      if let last = places.max(), Int(last) >= numbers.count {
        throw TensorError.positionBeyondTable(position: Int(last), maximum: numbers.count)
      }
      x = tape.add(x, try positions.rows(tape, places.map { $0 + Int32(numbers.first) }))
    }
    return norm?(tape, x) ?? x
  }

  var parameters: [Parameter] {
    [table.parameter, positions?.parameter].compactMap { $0 } + (norm?.parameters ?? [])
  }

  /// The tables that stay as they are stored.
  var storedTables: [(role: TensorRole, weight: any StoredWeight)] {
    [(TensorRole.embedding, table), (.positions, positions)].compactMap { role, table in
      if case .stored(let weight)? = table { (role, weight) } else { nil }
    }
  }
}
