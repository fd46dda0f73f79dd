/// The root of a stream of random numbers; keys form a tree, so that every consumer has numbers of its own that do not
/// depend on the order of use.
package struct RandomKey: Sendable, Hashable {
  package let seed: UInt64

  package init(seed: UInt64) { self.seed = seed }

  /// The key of branch `index`: the first 64 bits of Philox under this key at a counter that ``CounterRandom`` never
  /// uses (as JAX's `fold_in` does with Threefry).
  package func child(_ index: UInt64) -> RandomKey {
    let block = philox(
      key: seed, counter: (UInt32(truncatingIfNeeded: index), UInt32(truncatingIfNeeded: index >> 32), 0, .max))
    return RandomKey(seed: UInt64(block.0) | UInt64(block.1) << 32)
  }
}
