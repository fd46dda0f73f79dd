import Tensors

extension AttentionContext {
  /// The positions of new tokens in their sequences.
  func positions(of tokens: Int) -> [Int32] {
    switch self {
    case .packed(let layout): layout.positions
    case .cached(let cache): (0..<tokens).map { Int32(cache.count + $0) }
    }
  }
}
