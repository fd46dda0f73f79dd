/// Neighbouring queries that see neighbouring keys.
struct MaskBlock {
  var queryStart: Int
  var queryCount: Int
  var keyStart: Int
  var keyCount: Int
  /// Query i sees the keys up to `offset` + i; all of them when nil.
  var offset: Int?

  /// How many of the keys the queries of a tile see, the last of them most.
  func visibleKeys(to queries: Range<Int>) -> Int {
    offset.map { min(keyCount, $0 + queries.upperBound) } ?? keyCount
  }

  /// How many of the keys from `key` on the first of `queries` sees; each query after it sees one more, until it sees all.
  func limit(of queries: Range<Int>, from key: Int) -> Int {
    offset.map { $0 + queries.lowerBound + 1 - key } ?? keyCount
  }

  /// The first query that sees a key from `key` on.
  func firstQuery(seeing key: Int) -> Int { offset.map { max(0, key - $0) } ?? 0 }
}

extension SequenceLayout {
  /// What the queries of each segment see: the segments above, the first one first, then their own.
  var maskBlocks: [[MaskBlock]] {
    segments.map { segment in
      segment.ancestors.map { maskBlock(of: segment, $0, causal: false) } + [
        maskBlock(of: segment, segment, causal: true)
      ]
    }
  }

  /// Which of the chosen segments' queries see the keys of each segment: its own, then those of the segments below in
  /// their order.
  func maskBlocksByKeys(_ isChosen: [Bool]) -> [[MaskBlock]] {
    var maskBlocksByKeys = [[MaskBlock]](repeating: [], count: segments.count)
    for (index, segment) in segments.enumerated() where isChosen[index] {
      for above in segment.ancestors { maskBlocksByKeys[above].append(maskBlock(of: segment, above, causal: false)) }
      maskBlocksByKeys[index].append(maskBlock(of: segment, segment, causal: true))
    }
    return maskBlocksByKeys
  }

  private func maskBlock(of queries: Segment, _ above: Int, causal: Bool) -> MaskBlock {
    maskBlock(of: queries, segments[above], causal: causal)
  }

  private func maskBlock(of queries: Segment, _ keys: Segment, causal: Bool) -> MaskBlock {
    MaskBlock(
      queryStart: queries.start, queryCount: queries.count, keyStart: keys.start, keyCount: keys.count,
      offset: causal ? 0 : nil)
  }
}
