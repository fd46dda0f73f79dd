import Tensors

extension LanguageModel {
  /// An empty cache for sequences of at most `capacity` tokens.
  ///
  /// Memory: 2 · slots · capacity · K · D floats a layer.
  package func keyValueCache(capacity: Int, slots: Int = 1) -> KeyValueCache {
    KeyValueCache(
      layers: configuration.blocks.map(\.attention.cached), capacity: capacity, slots: slots, before: virtualTokens,
      leavesThem: prompt?.standsInLayers == true)
  }

  /// How many tokens are read again in one pass.
  private static let tokensAPass = 512

  /// The logits after the last new token of each sequence: [slots, V].
  ///
  /// Cost of a token a sequence: every weight is read once for all of them. Where a model turns long texts otherwise than
  /// short ones, the token with which a text becomes a long one has all of it read again.
  /// - Parameters:
  ///   - ids: What follows the tokens that `cache` holds and joins them: as many for each slot, slot after slot.
  ///   - slots: Which sequences go on.
  ///   - textLength: How many tokens their texts have, where it is known that more will follow.
  /// - Precondition: `ids` is not empty, and as many for each slot.
  /// - Throws: ``TensorError`` for ids outside the vocabulary, and where the cache or the rotary table ends.
  package func nextLogits(_ ids: [Int32], cache: KeyValueCache, slots: [Int] = [0], textLength: Int = 0) throws
    -> Tensor
  {
    precondition(!ids.isEmpty && ids.count % slots.count == 0, "there is nothing to continue")
    let ids = try preceded(ids, cache, slots)
    let known = textLength == 0 ? 0 : textLength + virtualTokens
    for slot in slots {
      try prepare(cache, slot, for: max(known, cache.counts[slot] + ids.count / slots.count))
    }
    return try logits(ids, cache, slots)
  }

  /// Reads what a slot holds again where a text of `length` tokens turns it otherwise.
  private func prepare(_ cache: KeyValueCache, _ slot: Int, for length: Int) throws {
    let previous = cache.textLengths[slot]
    cache.textLengths[slot] = length
    guard cache.counts[slot] > 0, let boundary = configuration.boundary,
      (previous > boundary) != (length > boundary)
    else { return }
    let read = cache.ids[slot]
    cache.truncate(to: 0, slot: slot)
    for start in stride(from: 0, to: read.count, by: Self.tokensAPass) {
      _ = try logits(Array(read[start..<min(start + Self.tokensAPass, read.count)]), cache, [slot])
    }
  }

  private func logits(_ ids: [Int32], _ cache: KeyValueCache, _ slots: [Int]) throws -> Tensor {
    let each = ids.count / slots.count
    let tape = Tape(compute: compute, records: false)
    let hidden = try hiddenStates(
      tape, ids: ids, context: .cached(cache, slots: slots), rows: slots.indices.map { Int32(($0 + 1) * each - 1) })
    cache.advance(past: ids, slots: slots)
    return try tape.logits(hidden, head)
  }
}
