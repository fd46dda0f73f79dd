/// The merges of byte-pair encoding: for a pair of ids its rank and the id it becomes, by open addressing.
final class MergeTable: @unchecked Sendable {
  // Written by `init`; only read afterwards.
  private let keys: UnsafeMutablePointer<UInt64>
  private let values: UnsafeMutablePointer<UInt64>
  private let mask: Int
  private let shift: UInt64

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
    while capacity < merges.count * 2 {
      capacity *= 2
      bits += 1
    }
    keys = .allocate(capacity: capacity)
    values = .allocate(capacity: capacity)
    keys.initialize(repeating: Self.free, count: capacity)
    values.initialize(repeating: Self.none, count: capacity)
    mask = capacity - 1
    shift = 64 - bits
    for (rank, merge) in merges.enumerated() { insert(merge, rank: rank) }
  }

  deinit {
    keys.deallocate()
    values.deallocate()
  }

  @inline(__always)
  private func slot(_ key: UInt64) -> Int { Int(truncatingIfNeeded: (key &* 0x9E37_79B9_7F4A_7C15) >> shift) }

  private func insert(_ merge: Merge, rank: Int) {
    let key = UInt64(UInt32(bitPattern: merge.left)) << 32 | UInt64(UInt32(bitPattern: merge.right))
    var index = slot(key)
    while keys[index] != Self.free, keys[index] != key { index = (index + 1) & mask }
    keys[index] = key
    values[index] = UInt64(rank) << 32 | UInt64(UInt32(bitPattern: merge.result))
  }

  /// Rank in the upper half, resulting id in the lower; ``none`` when the pair does not merge.
  @inline(__always)
  func value(_ left: Int32, _ right: Int32) -> UInt64 {
    let key = UInt64(UInt32(bitPattern: left)) << 32 | UInt64(UInt32(bitPattern: right))
    var index = slot(key)
    while true {
      let found = keys[index]
      if found == key { return values[index] }
      if found == Self.free { return Self.none }
      index = (index + 1) & mask
    }
  }

  /// All merges in the order of their ranks.
  var ordered: [Merge] {
    (0...mask).filter { keys[$0] != Self.free }.sorted { values[$0] < values[$1] }.map {
      Merge(
        left: Int32(truncatingIfNeeded: keys[$0] >> 32), right: Int32(truncatingIfNeeded: keys[$0]),
        result: Int32(truncatingIfNeeded: values[$0]))
    }
  }
}
