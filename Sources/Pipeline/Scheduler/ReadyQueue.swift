/// The nodes that could start, the most urgent first.
struct ReadyQueue {
  struct Entry {
    var name: String
    var priority: Double
    var isHeavy: Bool
    /// Bytes.
    var memory: Int
    /// Whether it takes no cores and memory of this machine.
    var isElsewhere: Bool
  }

  private(set) var entries: [Entry] = []
  private var heavyCount = 0

  /// Cost: O(log n) comparisons.
  mutating func insert(_ entry: Entry) {
    var low = 0
    var high = entries.count
    while low < high {
      let middle = (low + high) / 2
      if Self.precedes(entries[middle], entry) { low = middle + 1 } else { high = middle }
    }
    entries.insert(entry, at: low)
    if entry.isHeavy { heavyCount += 1 }
  }

  /// Takes out the first node that fits.
  ///
  /// - Parameter isFull: Whether no light node, and no heavy node, can start whatever its memory.
  mutating func popFirst(isFull: (light: Bool, heavy: Bool), where fits: (Entry) -> Bool) -> Entry? {
    var lightLeft = isFull.light ? 0 : entries.count - heavyCount
    var heavyLeft = isFull.heavy ? 0 : heavyCount
    for (index, entry) in entries.enumerated() {
      guard lightLeft > 0 || heavyLeft > 0 else { return nil }
      if fits(entry) { return remove(at: index) }
      if entry.isHeavy { heavyLeft -= 1 } else { lightLeft -= 1 }
    }
    return nil
  }

  mutating func remove(_ name: String) {
    if let index = entries.firstIndex(where: { $0.name == name }) { remove(at: index) }
  }

  @discardableResult
  private mutating func remove(at index: Int) -> Entry {
    let entry = entries.remove(at: index)
    if entry.isHeavy { heavyCount -= 1 }
    return entry
  }

  private static func precedes(_ a: Entry, _ b: Entry) -> Bool {
    a.priority == b.priority ? a.name < b.name : a.priority > b.priority
  }
}
