import TokenShards

/// A row whose last answer is asked for again: what stands before it, and the answer that the row has.
struct AskedRow {
  let prompt: [Int32]
  let label: [Int32]

  /// Nil for a sequence of which nothing is learned, or all, so that there is nothing to ask.
  init?(_ sequence: TokenSequence) {
    guard let last = sequence.lossMask.lastIndex(of: true) else { return nil }
    let first = sequence.lossMask[...last].lastIndex(of: false).map { $0 + 1 } ?? 0
    guard first > 1 else { return nil }
    prompt = Array(sequence.ids[..<first])
    label = Array(sequence.ids[first...last])
  }
}
