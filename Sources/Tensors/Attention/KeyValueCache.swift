/// The keys (turned to their positions) and values of the tokens that a generating model has seen.
///
/// Memory: capacity · (K · D + K · Dv) floats a layer, taken at once.
package final class KeyValueCache {
  /// The most tokens it holds.
  package let capacity: Int
  /// Tokens it holds now.
  package private(set) var count = 0
  /// [capacity, K·D] a layer, head after head.
  let keys: [Tensor]
  /// [capacity, K·Dv] a layer, head after head.
  let values: [Tensor]

  /// - Parameter layers: The floats that a token's keys and its values take in each layer.
  package init(layers: [(keys: Int, values: Int)], capacity: Int) {
    self.capacity = capacity
    keys = layers.map { Tensor(uninitialized: [capacity, $0.keys]) }
    values = layers.map { Tensor(uninitialized: [capacity, $0.values]) }
  }

  /// Makes the tokens that all layers have just stored count; call it once after the last layer.
  package func advance(by tokens: Int) {
    precondition(tokens >= 0 && count + tokens <= capacity, "The cache has no room for \(tokens) tokens more")
    count += tokens
  }

  /// Forgets all but the first `tokens`.
  package func truncate(to tokens: Int) { count = min(count, max(0, tokens)) }
}
