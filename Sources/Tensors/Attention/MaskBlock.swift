/// Neighbouring queries that see neighbouring keys.
struct MaskBlock {
  var queryStart: Int
  var queryCount: Int
  var keyStart: Int
  var keyCount: Int
  /// How many positions the first query is behind the first key: query i sees the keys up to `distance` + i.
  var distance: Int
  /// How many keys up to its own position a query sees; all of them when nil.
  var window: Int?

  /// The keys of which a query of a tile sees some, from a multiple of `step` on.
  func visibleKeys(to queries: Range<Int>, step: Int) -> Range<Int> {
    let end = max(0, min(keyCount, distance + queries.upperBound))
    let first = max(0, begin(of: queries, from: 0)) / step * step
    return min(first, end)..<end
  }

  /// How many of the keys from `key` on the first of `queries` sees; each query after it sees one more, until it sees all.
  func limit(of queries: Range<Int>, from key: Int) -> Int { distance + queries.lowerBound + 1 - key }

  /// The first of the keys from `key` on that the first of `queries` sees, perhaps before them; that of each query after it
  /// is one further.
  func begin(of queries: Range<Int>, from key: Int) -> Int {
    window.map { limit(of: queries, from: key) - $0 } ?? -(1 << 40)
  }

  /// The queries that see any of some keys, from a multiple of `step` on.
  func queries(seeing keys: Range<Int>, step: Int) -> Range<Int> {
    let first = max(0, keys.lowerBound - distance) / step * step
    let end = window.map { min(queryCount, keys.upperBound - 1 - distance + $0) } ?? queryCount
    return min(first, max(0, end))..<max(0, end)
  }
}

extension SequenceLayout {
  /// What the queries of each segment see: the segments above, the first one first, then their own.
  func maskBlocks(window: Int?) -> [[MaskBlock]] {
    segments.map { segment in
      segment.ancestors.map { maskBlock(of: segment, segments[$0], window) } + [maskBlock(of: segment, segment, window)]
    }
  }

  /// Which of the chosen segments' queries see the keys of each segment: its own, then those of the segments below in
  /// their order.
  func maskBlocksByKeys(_ isChosen: [Bool], window: Int?) -> [[MaskBlock]] {
    var maskBlocksByKeys = [[MaskBlock]](repeating: [], count: segments.count)
    for (index, segment) in segments.enumerated() where isChosen[index] {
      for above in segment.ancestors {
        maskBlocksByKeys[above].append(maskBlock(of: segment, segments[above], window))
      }
      maskBlocksByKeys[index].append(maskBlock(of: segment, segment, window))
    }
    return maskBlocksByKeys
  }

  private func maskBlock(of queries: Segment, _ keys: Segment, _ window: Int?) -> MaskBlock {
    MaskBlock(
      queryStart: queries.start, queryCount: queries.count, keyStart: keys.start, keyCount: keys.count,
      distance: queries.position - keys.position, window: window)
  }
}
