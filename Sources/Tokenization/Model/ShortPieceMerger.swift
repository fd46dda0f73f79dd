/// Byte-pair merging of short pieces: a scan over all pairs for each merge, O(n²) with a small constant.
final class ShortPieceMerger {
  /// The most symbols of a piece.
  static let limit = 96

  private let ids = UnsafeMutablePointer<Int32>.allocate(capacity: limit)
  /// The value of the pair that starts at each symbol.
  private let values = UnsafeMutablePointer<UInt64>.allocate(capacity: limit)

  deinit {
    ids.deallocate()
    values.deallocate()
  }

  /// Appends the ids of a piece whose symbols are its bytes.
  func encode(
    _ piece: UnsafeBufferPointer<UInt8>, _ bytes: ByteSymbols, _ merges: MergeTable, into out: inout IDBuffer
  ) {
    for index in 0..<piece.count { ids[index] = bytes.id(of: piece[index]) }
    for index in 0..<(piece.count - 1) { values[index] = bytes.value(piece[index], piece[index + 1]) }
    let count = merge(piece.count, merges)
    out.append(UnsafeBufferPointer(start: ids, count: count))
  }

  /// Appends what symbols become.
  func merge(_ symbols: UnsafeBufferPointer<Int32>, _ merges: MergeTable, into out: inout IDBuffer) {
    guard let base = symbols.baseAddress, symbols.count > 0 else { return }
    ids.update(from: base, count: symbols.count)
    for index in 0..<(symbols.count - 1) { values[index] = merges.value(ids[index], ids[index + 1]) }
    let count = merge(symbols.count, merges)
    out.append(UnsafeBufferPointer(start: ids, count: count))
  }

  /// Merges the pair of the lowest rank, leftmost first, until none is left; gives how many symbols remain.
  private func merge(_ symbols: Int, _ merges: MergeTable) -> Int {
    var count = symbols
    while count > 1 {
      var best = MergeTable.none
      var at = 0
      for index in 0..<(count - 1) where values[index] < best {
        best = values[index]
        at = index
      }
      if best == MergeTable.none { break }
      ids[at] = Int32(truncatingIfNeeded: best)
      count -= 1
      if at + 1 < count {
        for index in (at + 1)..<count { ids[index] = ids[index + 1] }
        for index in at..<(count - 1) { values[index] = values[index + 1] }
        values[at] = merges.value(ids[at], ids[at + 1])
      }
      if at > 0 { values[at - 1] = merges.value(ids[at - 1], ids[at]) }
    }
    return count
  }
}
