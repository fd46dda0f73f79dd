import PreciseJSON
import TokenShards

/// What tokenising did to the rows: nothing is cut or dropped without being counted here.
package struct TokenizeReport: Sendable, Hashable {
  /// Records read.
  package var records = 0
  /// Records longer than `max_length` that were cut.
  package var truncatedRecords = 0
  /// Tokens cut from them.
  package var truncatedTokens = 0
  /// Turns at the end of conversations for which no room was left.
  package var droppedTurns = 0
  /// Records longer than `max_length` that were left out.
  package var droppedRecords = 0
  /// Records left out since nothing in them is learned once they are cut.
  package var recordsWithoutLabels = 0
  /// Pairs left out since their answers are the same once they are cut.
  package var pairsWithoutDifference = 0
  /// Places where a record was cut and goes on in the next row.
  package var cuts = 0
  package var train = TokenCounts()
  package var validation = TokenCounts()

  package init() {}

  package mutating func add(_ other: TokenizeReport) {
    records += other.records
    truncatedRecords += other.truncatedRecords
    truncatedTokens += other.truncatedTokens
    droppedTurns += other.droppedTurns
    droppedRecords += other.droppedRecords
    recordsWithoutLabels += other.recordsWithoutLabels
    pairsWithoutDifference += other.pairsWithoutDifference
    cuts += other.cuts
    train.add(other.train)
    validation.add(other.validation)
  }

  /// The counts; that of cuts where there are any.
  package var json: JSON {
    let cuts: [(key: String, value: JSON)] = cuts > 0 ? [("cuts", JSON(self.cuts))] : []
    let rest: JSON = [
      "records": JSON(records), "truncated_records": JSON(truncatedRecords),
      "truncated_tokens": JSON(truncatedTokens), "dropped_turns": JSON(droppedTurns),
      "dropped_records": JSON(droppedRecords), "records_without_labels": JSON(recordsWithoutLabels),
      "pairs_without_difference": JSON(pairsWithoutDifference),
      "train": train.json, "validation": validation.json,
    ]
    return JSON((rest.object?.members ?? []) + cuts)
  }

  /// Reads what ``json`` wrote; nil when something is missing.
  package init?(json: JSON) {
    guard let records = json["records"]?.int, let truncatedRecords = json["truncated_records"]?.int,
      let truncatedTokens = json["truncated_tokens"]?.int, let droppedTurns = json["dropped_turns"]?.int,
      let droppedRecords = json["dropped_records"]?.int, let without = json["records_without_labels"]?.int,
      let pairs = json["pairs_without_difference"]?.int,
      let train = json["train"].flatMap(TokenCounts.init(json:)),
      let validation = json["validation"].flatMap(TokenCounts.init(json:))
    else { return nil }
    self.records = records
    self.truncatedRecords = truncatedRecords
    self.truncatedTokens = truncatedTokens
    self.droppedTurns = droppedTurns
    self.droppedRecords = droppedRecords
    recordsWithoutLabels = without
    pairsWithoutDifference = pairs
    if let value = json["cuts"] {
      guard let cuts = value.int else { return nil }
      self.cuts = cuts
    }
    self.train = train
    self.validation = validation
  }
}
