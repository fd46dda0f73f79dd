/// Which places of a range of addresses are free.
///
/// Every block goes to the lowest place where it fits, and free neighbours become one: "address-ordered first fit" (Wilson
/// and others 1995, "Dynamic storage allocation: a survey and critical review").
///
/// Taking and giving cost a walk over the free places, some hundreds in a training step.
package struct AddressMap: Sendable {
  /// Ascending; none touches another or ``end``.
  private var free: [Range<Int>] = []
  /// Behind the last place that is taken.
  package private(set) var end = 0

  package init() {}

  /// The free places before ``end``.
  package var holes: [Range<Int>] { free }

  /// The start of `count` places that were free.
  package mutating func take(_ count: Int) -> Int {
    guard let index = free.firstIndex(where: { $0.count >= count }) else {
      defer { end += count }
      return end
    }
    let start = free[index].lowerBound
    if free[index].count == count {
      free.remove(at: index)
    } else {
      free[index] = start + count..<free[index].upperBound
    }
    return start
  }

  /// Frees places that were taken.
  package mutating func give(_ range: Range<Int>) {
    var (low, high) = (0, free.count)
    while low < high {
      let middle = (low + high) / 2
      if free[middle].lowerBound < range.lowerBound { low = middle + 1 } else { high = middle }
    }
    var whole = range
    if low < free.count, free[low].lowerBound == whole.upperBound {
      whole = whole.lowerBound..<free.remove(at: low).upperBound
    }
    if low > 0, free[low - 1].upperBound == whole.lowerBound {
      low -= 1
      whole = free.remove(at: low).lowerBound..<whole.upperBound
    }
    if whole.upperBound == end { end = whole.lowerBound } else { free.insert(whole, at: low) }
  }
}
