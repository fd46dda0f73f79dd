/// The keys (turned to their positions) and values of the tokens that a generating model has seen.
///
/// Memory: 2 · layers · capacity · K · D floats, taken at once.
package final class KeyValueCache {
  /// The most tokens it holds.
  package let capacity: Int
  /// Tokens it holds now.
  package private(set) var count = 0
  let keyValueHeads: Int
  let headDimension: Int
  /// [capacity, K·D] a layer.
  let keys: [Tensor]
  /// [capacity, K·D] a layer.
  let values: [Tensor]

  package init(layers: Int, keyValueHeads: Int, headDimension: Int, capacity: Int) {
    self.capacity = capacity
    self.keyValueHeads = keyValueHeads
    self.headDimension = headDimension
    let shape = [capacity, keyValueHeads * headDimension]
    keys = (0..<layers).map { _ in Tensor(uninitialized: shape) }
    values = (0..<layers).map { _ in Tensor(uninitialized: shape) }
  }

  /// Makes the tokens that all layers have just stored count; call it once after the last layer.
  package func advance(by tokens: Int) {
    precondition(tokens >= 0 && count + tokens <= capacity, "The cache has no room for \(tokens) tokens more")
    count += tokens
  }

  /// Forgets all but the first `tokens`.
  package func truncate(to tokens: Int) { count = min(count, max(0, tokens)) }
}
