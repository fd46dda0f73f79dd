import Tensors

/// Which blocks are trained in which steps: some of them for a while, then others.
///
/// A function of the seed and the step alone, so that a training that goes on draws what the whole one would have.
package struct BlockDraw: Sendable, Hashable {
  /// Blocks at a time.
  package var count: Int
  /// Steps that they are trained for.
  package var interval: Int

  package init(count: Int, interval: Int) {
    self.count = count
    self.interval = interval
  }

  /// The turn of a step, which counts from 1; before the first one it is the first.
  func turn(of step: Int) -> Int { max(0, step - 1) / interval }

  /// The places of a turn's blocks among `blocks`, ascending.
  func places(turn: Int, of blocks: Int, key: RandomKey) -> [Int] {
    var random = CounterRandom(key: key.child(UInt64(turn)))
    return random.permutation(blocks).prefix(count).sorted()
  }
}
