import Tensors

extension LanguageModel {
  /// An empty cache for a sequence of at most `capacity` tokens.
  ///
  /// Memory: 2 · capacity · K · D floats a layer.
  package func keyValueCache(capacity: Int) -> KeyValueCache {
    KeyValueCache(layers: configuration.blocks.map(\.attention.cached), capacity: capacity)
  }

  /// The logits [V] after the last of `ids`, which follow the tokens that `cache` holds and join them.
  ///
  /// Cost of one token: every weight is read once.
  /// - Precondition: `ids` is not empty.
  /// - Throws: ``TensorError`` for ids outside the vocabulary, and where the cache or the rotary table ends.
  package func nextLogits(_ ids: [Int32], cache: KeyValueCache) throws -> Tensor {
    precondition(!ids.isEmpty, "there is nothing to continue")
    let tape = Tape(compute: compute, records: false)
    let hidden = try hiddenStates(tape, ids: ids, context: .cached(cache), rows: [Int32(ids.count - 1)])
    cache.advance(by: ids.count)
    return try tape.logits(hidden, head)
  }
}
