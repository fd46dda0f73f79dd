/// The merges of byte-pair encoding: for a pair of ids its rank and the id it becomes, by open addressing.
final class MergeTable: @unchecked Sendable {
  // Written by `insert` while the tokenizer is being loaded, by one thread; only read afterwards.
  private let keys: UnsafeMutablePointer<UInt64>
  private let values: UnsafeMutablePointer<UInt64>
  private let mask: Int
  private let shift: UInt64

  /// No pair of ids has this key, since ids stay below 2²⁴.
  private static let free = UInt64.max
  /// What ``value(_:_:)`` gives for a pair that does not merge; above every real value.
  static let none = UInt64.max

  /// - Parameter count: How many merges will be inserted at most.
  init(count: Int) {
    var capacity = 16
    var bits: UInt64 = 4
    while capacity < count * 2 {
      capacity *= 2
      bits += 1
    }
    keys = .allocate(capacity: capacity)
    values = .allocate(capacity: capacity)
    keys.initialize(repeating: Self.free, count: capacity)
    values.initialize(repeating: Self.none, count: capacity)
    mask = capacity - 1
    shift = 64 - bits
  }

  deinit {
    keys.deallocate()
    values.deallocate()
  }

  @inline(__always)
  private func slot(_ key: UInt64) -> Int { Int(truncatingIfNeeded: (key &* 0x9E37_79B9_7F4A_7C15) >> shift) }

  /// Sets the merge of a pair; a later one of the same pair replaces an earlier one, as HF's map does.
  func insert(_ left: Int32, _ right: Int32, rank: Int, result: Int32) {
    let key = UInt64(UInt32(bitPattern: left)) << 32 | UInt64(UInt32(bitPattern: right))
    var index = slot(key)
    while keys[index] != Self.free, keys[index] != key { index = (index + 1) & mask }
    keys[index] = key
    values[index] = UInt64(rank) << 32 | UInt64(UInt32(bitPattern: result))
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
  var ordered: [(left: Int32, right: Int32, result: Int32)] {
    (0...mask).filter { keys[$0] != Self.free }.sorted { values[$0] < values[$1] }.map {
      (
        Int32(truncatingIfNeeded: keys[$0] >> 32), Int32(truncatingIfNeeded: keys[$0]),
        Int32(truncatingIfNeeded: values[$0])
      )
    }
  }
}
