import Tensors

/// What the tokens of a forward pass attend to.
enum AttentionContext {
  /// Those before them in their own sequence of a packed batch.
  case packed(SequenceLayout)
  /// Those in the cache, and those before them in the same pass, which the cache takes up.
  case cached(KeyValueCache)
}
