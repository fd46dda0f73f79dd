/// The merges of byte-pair encoding: for a pair of ids its rank and the id it becomes, by open addressing.
final class MergeTable: @unchecked Sendable {
  // Written by `init`; only read afterwards.
  private let slots: UnsafeMutablePointer<Slot>
  private let mask: Int
  /// The greatest rank plus 1.
  private let count: Int
  private let shift: UInt64

  /// A pair beside what it becomes, so that a question costs one line of cache.
  private struct Slot {
    var key = MergeTable.free
    var value = MergeTable.none
  }

  /// No pair of ids has this key, since ids stay below 2²⁴.
  private static let free = UInt64.max
  /// What ``value(_:_:)`` gives for a pair that does not merge; above every real value.
  static let none = UInt64.max

  struct Merge {
    var left: Int32
    var right: Int32
    var result: Int32
  }

  /// - Parameter merges: By rank. Of several with the same pair the last counts, as in HF's map.
  init(_ merges: [Merge]) {
    var capacity = 16
    var bits: UInt64 = 4
    while capacity * 2 < merges.count * 3 {
      capacity *= 2
      bits += 1
    }
    slots = .allocate(capacity: capacity)
    slots.initialize(repeating: Slot(), count: capacity)
    mask = capacity - 1
    count = merges.count
    shift = 64 - bits
    for (rank, merge) in merges.enumerated() { insert(merge, rank: rank) }
  }

  deinit {
    slots.deallocate()
  }

  @inline(__always)
  private func slot(_ key: UInt64) -> Int { Int(truncatingIfNeeded: (key &* 0x9E37_79B9_7F4A_7C15) >> shift) }

  private func insert(_ merge: Merge, rank: Int) {
    let key = UInt64(UInt32(bitPattern: merge.left)) << 32 | UInt64(UInt32(bitPattern: merge.right))
    var index = slot(key)
    while slots[index].key != Self.free, slots[index].key != key { index = (index + 1) & mask }
    slots[index] = Slot(key: key, value: UInt64(rank) << 32 | UInt64(UInt32(bitPattern: merge.result)))
  }

  /// Rank in the upper half, resulting id in the lower; ``none`` when the pair does not merge.
  @inline(__always)
  func value(_ left: Int32, _ right: Int32) -> UInt64 {
    let key = UInt64(UInt32(bitPattern: left)) << 32 | UInt64(UInt32(bitPattern: right))
    var index = slot(key)
    while true {
      let found = slots[index].key
      if found == key { return slots[index].value }
      if found == Self.free { return Self.none }
      index = (index + 1) & mask
    }
  }

  /// All merges in the order of their ranks.
  var ordered: [Merge] {
    var byRank = [Merge?](repeating: nil, count: count)
    for slot in UnsafeBufferPointer(start: slots, count: mask + 1) where slot.key != Self.free {
      byRank[Int(slot.value >> 32)] = Merge(
        left: Int32(truncatingIfNeeded: slot.key >> 32), right: Int32(truncatingIfNeeded: slot.key),
        result: Int32(truncatingIfNeeded: slot.value))
    }
    return byRank.compactMap { $0 }
  }
}
