import Tensors

extension AttentionContext {
  /// The positions of new tokens in their sequences.
  func positions(of tokens: Int) -> [Int32] {
    switch self {
    case .packed(let layout): layout.positions
    case .cached(let cache, let slots): cache.positions(of: tokens / slots.count, slots: slots)
    }
  }
}
