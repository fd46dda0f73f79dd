import Tensors

extension LanguageModel {
  /// An empty cache for sequences of at most `capacity` tokens.
  ///
  /// Memory: 2 · slots · capacity · K · D floats a layer.
  package func keyValueCache(capacity: Int, slots: Int = 1) -> KeyValueCache {
    KeyValueCache(layers: configuration.blocks.map(\.attention.cached), capacity: capacity, slots: slots)
  }

  /// The logits after the last new token of each sequence: [slots, V].
  ///
  /// Cost of a token a sequence: every weight is read once for all of them.
  /// - Parameters:
  ///   - ids: What follows the tokens that `cache` holds and joins them: as many for each slot, slot after slot.
  ///   - slots: Which sequences go on.
  /// - Precondition: `ids` is not empty, and as many for each slot.
  /// - Throws: ``TensorError`` for ids outside the vocabulary, and where the cache or the rotary table ends.
  package func nextLogits(_ ids: [Int32], cache: KeyValueCache, slots: [Int] = [0]) throws -> Tensor {
    precondition(!ids.isEmpty && ids.count % slots.count == 0, "there is nothing to continue")
    let each = ids.count / slots.count
    let tape = Tape(compute: compute, records: false)
    let hidden = try hiddenStates(
      tape, ids: ids, context: .cached(cache, slots: slots), rows: slots.indices.map { Int32(($0 + 1) * each - 1) })
    cache.advance(by: each, slots: slots)
    return try tape.logits(hidden, head)
  }
}
