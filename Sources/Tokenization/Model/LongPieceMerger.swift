/// Byte-pair merging of long pieces: a heap of pairs over a linked list of symbols, O(n log n).
final class LongPieceMerger {
  private var previous: [Int32] = []
  private var next: [Int32] = []
  /// The value of the pair that starts at each symbol.
  private var values: [UInt64] = []
  /// Rank in the upper half, place in the lower: the lowest rank first, of those the leftmost.
  private var heap: [UInt64] = []

  /// Merges the pair of the lowest rank, leftmost first, until none is left.
  func merge(_ ids: inout [Int32], _ merges: MergeTable) {
    let count = ids.count
    previous = (0..<count).map { Int32($0) - 1 }
    next = (0..<count).map { $0 + 1 < count ? Int32($0) + 1 : -1 }
    values = [UInt64](repeating: MergeTable.none, count: count)
    heap.removeAll(keepingCapacity: true)
    for index in 0..<(count - 1) { setPair(at: index, ids, merges) }
    while let top = popLeast() {
      let at = Int(truncatingIfNeeded: top & 0xFFFF_FFFF)
      // The pair at this place has changed since; its new value has its own entry.
      guard values[at] != MergeTable.none, values[at] >> 32 == top >> 32 else { continue }
      ids[at] = Int32(truncatingIfNeeded: values[at])
      let gone = Int(next[at])
      next[at] = next[gone]
      values[gone] = MergeTable.none
      ids[gone] = -1
      if next[at] >= 0 { previous[Int(next[at])] = Int32(at) }
      setPair(at: at, ids, merges)
      if previous[at] >= 0 { setPair(at: Int(previous[at]), ids, merges) }
    }
    ids.removeAll { $0 < 0 }
  }

  private func setPair(at index: Int, _ ids: [Int32], _ merges: MergeTable) {
    let right = next[index]
    let value = right < 0 ? MergeTable.none : merges.value(ids[index], ids[Int(right)])
    values[index] = value
    if value != MergeTable.none { push(value & ~0xFFFF_FFFF | UInt64(index)) }
  }

  private func push(_ key: UInt64) {
    heap.append(key)
    var index = heap.count - 1
    while index > 0, heap[(index - 1) / 2] > heap[index] {
      heap.swapAt(index, (index - 1) / 2)
      index = (index - 1) / 2
    }
  }

  private func popLeast() -> UInt64? {
    guard let least = heap.first, let last = heap.popLast() else { return nil }
    if heap.isEmpty { return least }
    heap[0] = last
    var index = 0
    while true {
      var child = 2 * index + 1
      if child >= heap.count { break }
      if child + 1 < heap.count, heap[child + 1] < heap[child] { child += 1 }
      if heap[index] <= heap[child] { break }
      heap.swapAt(index, child)
      index = child
    }
    return least
  }
}
