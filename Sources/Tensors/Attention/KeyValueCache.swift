/// The keys (turned to their positions) and values of the tokens that a generating model has seen: of one sequence, or of
/// several that are continued together, each in a slot of its own.
///
/// Learned tokens that stand before every text have room of their own. Memory: slots · (capacity + those) · (K · D + K · Dv)
/// floats a layer, taken at once.
package final class KeyValueCache {
  /// The most tokens of a text that a slot holds.
  package let capacity: Int
  /// How many tokens stand before every text.
  private let before: Int
  /// How many tokens of every slot rotary positions leave as they are, from the first one on.
  let unturned: Int
  /// Tokens that each slot holds now, with those before its text.
  package private(set) var counts: [Int]
  /// The tokens that each slot holds, where those who fill it say so.
  package private(set) var ids: [[Int32]]
  /// How many tokens the text of each slot has at least: rotary positions may go by it.
  package var textLengths: [Int]
  /// Tokens in the first slot.
  package var count: Int { counts[0] }
  /// [slots · room, K·D] a layer, head after head.
  let keys: [Tensor]
  /// [slots · room, K·Dv] a layer, head after head.
  let values: [Tensor]

  /// - Parameters:
  ///   - layers: The floats that a token's keys and its values take in each layer.
  ///   - before: How many tokens stand before every text.
  ///   - leavesThem: Whether rotary positions leave these as they are.
  package init(
    layers: [(keys: Int, values: Int)], capacity: Int, slots: Int = 1, before: Int = 0, leavesThem: Bool = false
  ) {
    unturned = leavesThem ? before : 0
    self.capacity = capacity
    self.before = before
    let room = capacity + before
    counts = [Int](repeating: 0, count: slots)
    ids = [[Int32]](repeating: [], count: slots)
    textLengths = counts
    keys = layers.map { Tensor(uninitialized: [slots * room, $0.keys]) }
    values = layers.map { Tensor(uninitialized: [slots * room, $0.values]) }
  }

  /// The row of a slot's first token.
  func start(of slot: Int) -> Int { slot * room }

  /// All tokens that a slot holds.
  var room: Int { capacity + before }

  /// Makes the tokens that all layers have just stored count, as many in each slot; call it once after the last layer.
  package func advance(by tokens: Int, slots: [Int] = [0]) {
    for slot in slots {
      precondition(
        tokens >= 0 && counts[slot] + tokens <= room, "The cache has no room for \(tokens) tokens more")
      counts[slot] += tokens
    }
  }

  /// The same with the tokens themselves, slot after slot.
  package func advance(past tokens: [Int32], slots: [Int]) {
    let each = tokens.count / slots.count
    advance(by: each, slots: slots)
    for (index, slot) in slots.enumerated() { ids[slot] += tokens[index * each..<(index + 1) * each] }
  }

  /// Forgets all but the first `tokens` of a slot's text; without any of them what stands before it too.
  package func truncate(to tokens: Int, slot: Int = 0) {
    counts[slot] = tokens <= 0 ? 0 : min(counts[slot], tokens + before)
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
