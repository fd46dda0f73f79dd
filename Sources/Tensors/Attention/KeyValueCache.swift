/// The keys (turned to their positions) and values of the tokens that a generating model has seen: of one sequence, or of
/// several that are continued together, each in a slot of its own.
///
/// Memory: slots · capacity · (K · D + K · Dv) floats a layer, taken at once.
package final class KeyValueCache {
  /// The most tokens a slot holds.
  package let capacity: Int
  /// Tokens that each slot holds now.
  package private(set) var counts: [Int]
  /// The tokens that each slot holds, where those who fill it say so.
  package private(set) var ids: [[Int32]]
  /// How many tokens the text of each slot has at least: rotary positions may go by it.
  package var textLengths: [Int]
  /// Tokens in the first slot.
  package var count: Int { counts[0] }
  /// [slots · capacity, K·D] a layer, head after head.
  let keys: [Tensor]
  /// [slots · capacity, K·Dv] a layer, head after head.
  let values: [Tensor]

  /// - Parameter layers: The floats that a token's keys and its values take in each layer.
  package init(layers: [(keys: Int, values: Int)], capacity: Int, slots: Int = 1) {
    self.capacity = capacity
    counts = [Int](repeating: 0, count: slots)
    ids = [[Int32]](repeating: [], count: slots)
    textLengths = counts
    keys = layers.map { Tensor(uninitialized: [slots * capacity, $0.keys]) }
    values = layers.map { Tensor(uninitialized: [slots * capacity, $0.values]) }
  }

  /// The row of a slot's first token.
  func start(of slot: Int) -> Int { slot * capacity }

  /// Makes the tokens that all layers have just stored count, as many in each slot; call it once after the last layer.
  package func advance(by tokens: Int, slots: [Int] = [0]) {
    for slot in slots {
      precondition(
        tokens >= 0 && counts[slot] + tokens <= capacity, "The cache has no room for \(tokens) tokens more")
      counts[slot] += tokens
    }
  }

  /// The same with the tokens themselves, slot after slot.
  package func advance(past tokens: [Int32], slots: [Int]) {
    let each = tokens.count / slots.count
    advance(by: each, slots: slots)
    for (index, slot) in slots.enumerated() { ids[slot] += tokens[index * each..<(index + 1) * each] }
  }

  /// Forgets all but the first `tokens` of a slot.
  package func truncate(to tokens: Int, slot: Int = 0) {
    counts[slot] = min(counts[slot], max(0, tokens))
    ids[slot].removeLast(max(0, ids[slot].count - counts[slot]))
  }

  /// Lets slots hold what another one does.
  package func copy(_ slot: Int, to others: some Sequence<Int>) {
    for other in others {
      for tensor in keys + values {
        let columns = tensor.columns
        (tensor.pointer + start(of: other) * columns)
          .update(from: tensor.pointer + start(of: slot) * columns, count: counts[slot] * columns)
      }
      (counts[other], ids[other], textLengths[other]) = (counts[slot], ids[slot], textLengths[slot])
    }
  }

  /// The positions of as many new tokens in each of some slots.
  package func positions(of tokens: Int, slots: [Int]) -> [Int32] {
    slots.flatMap { slot in (0..<tokens).map { Int32(counts[slot] + $0) } }
  }
}
