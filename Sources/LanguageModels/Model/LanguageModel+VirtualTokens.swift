import Tensors

/// Tokens of packed sequences with those that an adapter puts before every text.
struct PrecededTokens {
  var ids: [Int32]
  var layout: SequenceLayout
  var rows: [Int32]
  var noise: Tensor?
}

/// The tokens that an adapter puts before every text, with what makes them; among ids they are those behind the vocabulary.
struct LearnedPrompt {
  /// V.
  let vocabulary: Int
  /// n.
  let count: Int
  /// Whether they are keys and values of every layer, in place of embeddings.
  let standsInLayers: Bool
  let encoder: (any PromptEncoder)?
  /// The tokens [n, …], or those of the encoder.
  let parameters: [Parameter]

  /// The number of a learned token; nil for an id of the vocabulary.
  func place(of id: Int32) -> Int? {
    let place = Int(id) - vocabulary
    return (0..<count).contains(place) ? place : nil
  }

  /// All of them: [n, …].
  func tokens(_ tape: Tape) -> Variable {
    encoder?.tokens(tape, parameters) ?? tape.variable(of: parameters[0])
  }

  /// Some of their columns.
  func columns(_ tape: Tape, _ range: Range<Int>) -> Variable {
    encoder?.columns(tape, parameters, range) ?? tape.columns(of: tape.variable(of: parameters[0]), range)
  }
}

/// Learned keys and values that stand before those of a layer, in the places of learned tokens.
struct LayerPrefix {
  let prompt: LearnedPrompt
  /// For each row which of them stands there.
  let places: [Int?]
  /// The columns of the layer's keys.
  let keys: Range<Int>
  /// And those of its values.
  let values: Range<Int>

  /// The keys or values of a layer with the learned ones in their places.
  func replace(_ tape: Tape, _ x: Variable, _ columns: Range<Int>) -> Variable {
    tape.replaceRows(x, places, with: prompt.columns(tape, columns))
  }
}

extension LanguageModel {
  /// The prefixes of all layers for these tokens; none where nothing stands there.
  func prefixes(_ ids: [Int32]) -> [LayerPrefix] {
    guard let prompt, prompt.standsInLayers else { return [] }
    let places = ids.map { prompt.place(of: $0) }
    guard places.contains(where: { $0 != nil }) else { return [] }
    var start = 0
    return configuration.blocks.map { block in
      let (keys, values) = block.attention.cached
      defer { start += keys + values }
      return LayerPrefix(
        prompt: prompt, places: places, keys: start..<start + keys,
        values: start + keys..<start + keys + values)
    }
  }

  /// How many tokens that an adapter learned stand before every text.
  package var virtualTokens: Int { prompt?.count ?? 0 }

  /// The most tokens of a text.
  package var longestText: Int { configuration.maximumPositions - virtualTokens }

  /// What stands for the learned tokens among the ids of others: numbers behind the vocabulary.
  private var virtualIDs: [Int32] {
    (0..<virtualTokens).map { Int32(configuration.vocabularySize + $0) }
  }

  /// Packed sequences, each behind the learned tokens, which all of them share; the same where there are none.
  ///
  /// Where a model turns long texts otherwise than short ones, each kind has its own.
  /// - Throws: ``Tensors/TensorError`` for ids outside of the vocabulary.
  func preceded(
    _ ids: [Int32], _ layout: SequenceLayout, _ rows: [Int32], _ noise: Tensor?
  ) throws -> PrecededTokens {
    let count = virtualTokens
    guard count > 0 else { return PrecededTokens(ids: ids, layout: layout, rows: rows, noise: noise) }
    try checkVocabulary(ids)
    let boundary = configuration.boundary ?? .max
    var kinds: [Bool] = []
    for segment in layout.segments where segment.ancestors.isEmpty {
      let isLong = segment.textLength + count > boundary
      if !kinds.contains(isLong) { kinds.append(isLong) }
    }
    let segments = layout.segments.map { segment in
      (
        count: segment.count,
        parent: segment.ancestors.last.map { $0 + kinds.count }
          ?? kinds.firstIndex(of: segment.textLength + count > boundary)
      )
    }
    let more = kinds.count * count
    let whole = noise.map { noise in
      let all = Tensor(shape: [more + noise.rows, noise.columns])
      (all.pointer + more * noise.columns).update(from: noise.pointer, count: noise.count)
      return all
    }
    return PrecededTokens(
      ids: kinds.flatMap { _ in virtualIDs } + ids,
      layout: SequenceLayout(
        segments: kinds.map { _ in (count: count, parent: nil) } + segments,
        textLengths: kinds.map { _ in 0 } + layout.segments.map { $0.textLength + count },
        unturned: prompt?.standsInLayers == true ? count : 0),
      rows: rows.map { $0 + Int32(more) }, noise: whole)
  }

  /// What slots of a cache read next: the learned tokens too where a slot is empty.
  ///
  /// - Precondition: All of the slots are empty, or none is.
  func preceded(_ ids: [Int32], _ cache: KeyValueCache, _ slots: [Int]) throws -> [Int32] {
    guard virtualTokens > 0 else { return ids }
    try checkVocabulary(ids)
    guard slots.contains(where: { cache.counts[$0] == 0 }) else { return ids }
    precondition(slots.allSatisfy { cache.counts[$0] == 0 }, "Sequences that begin are read together")
    let each = ids.count / slots.count
    return slots.indices.flatMap { virtualIDs + ids[$0 * each..<($0 + 1) * each] }
  }

  private func checkVocabulary(_ ids: [Int32]) throws {
    let count = configuration.vocabularySize
    if let wrong = ids.first(where: { $0 < 0 || Int($0) >= count }) {
      throw TensorError.tokenOutOfRange(operation: "embed", id: wrong, count: count)
    }
  }
}
