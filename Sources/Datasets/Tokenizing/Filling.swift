import TokenShards

/// Puts samples into rows of exactly `capacity` tokens, one after the other.
///
/// One that does not fit is cut there and goes on as a sequence of its own in the next row. Only the last row may be
/// shorter; no token is left out. The first token of each sequence is no label, since nothing comes before it.
package func filled(_ samples: [TokenSequence], capacity: Int) -> [TokenRow] {
  var rows: [TokenRow] = []
  var room = 0
  for sample in samples {
    var start = 0
    while start < sample.ids.count {
      if room == 0 {
        rows.append(TokenRow([]))
        room = capacity
      }
      let end = min(sample.ids.count, start + room)
      rows[rows.count - 1].sequences.append(sample.cut(start..<end))
      room -= end - start
      start = end
    }
  }
  return rows
}

extension TokenSequence {
  fileprivate func cut(_ range: Range<Int>) -> TokenSequence {
    TokenSequence(
      role: role, ids: Array(ids[range]), lossMask: Array(lossMask[range]),
      weights: weights.isEmpty ? [] : Array(weights[range]), source: source)
  }
}
