import PreciseJSON

/// How much a token shard, or a set of them, holds.
package struct TokenCounts: Sendable, Hashable {
  package var rows = 0
  package var sequences = 0
  package var tokens = 0
  /// Tokens that are predicted and trained on.
  package var labels = 0
  /// Tokens of the longest sequence.
  package var longestSequence = 0
  /// Tokens of the longest row.
  package var longestRow = 0

  package init() {}

  package mutating func add(_ row: TokenRow) {
    rows += 1
    sequences += row.sequences.count
    tokens += row.tokenCount
    labels += row.labelCount
    longestRow = max(longestRow, row.tokenCount)
    for sequence in row.sequences { longestSequence = max(longestSequence, sequence.ids.count) }
  }

  package mutating func add(_ other: TokenCounts) {
    rows += other.rows
    sequences += other.sequences
    tokens += other.tokens
    labels += other.labels
    longestSequence = max(longestSequence, other.longestSequence)
    longestRow = max(longestRow, other.longestRow)
  }

  package var json: JSON {
    [
      "rows": JSON(rows), "sequences": JSON(sequences), "tokens": JSON(tokens), "labels": JSON(labels),
      "longest_sequence": JSON(longestSequence), "longest_row": JSON(longestRow),
    ]
  }

  /// Reads what ``json`` wrote; nil when a count is missing or negative.
  package init?(json: JSON) {
    func count(_ key: String) -> Int? { json[key]?.int.flatMap { $0 >= 0 ? $0 : nil } }
    guard let rows = count("rows"), let sequences = count("sequences"), let tokens = count("tokens"),
      let labels = count("labels"), let longestSequence = count("longest_sequence"),
      let longestRow = count("longest_row")
    else { return nil }
    self.rows = rows
    self.sequences = sequences
    self.tokens = tokens
    self.labels = labels
    self.longestSequence = longestSequence
    self.longestRow = longestRow
  }
}
