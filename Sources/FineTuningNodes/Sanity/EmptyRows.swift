import Datasets
import Pipeline
import PreciseJSON
import Training

/// Rows in which nothing is left to learn.
package struct EmptyRows: SanityCheck {
  package static let name = "rows_without_labels"
  /// The share of the rows from which on the data cannot be meant so.
  static let tooMany = 0.9

  /// Records that were tokenised, and those of them that were left out since they have no label; 0 where nobody says.
  package var records: Int
  package var leftOut: Int
  /// Rows that came by in training, and those of them without a label.
  package var seen = 0
  package var seenEmpty = 0

  package init(records: Int, leftOut: Int, seen: Int = 0, seenEmpty: Int = 0) {
    self.records = records
    self.leftOut = leftOut
    self.seen = seen
    self.seenEmpty = seenEmpty
  }

  /// - Parameter tokens: Tokens with the report of the node that made them.
  init(_ tokens: ArtefactView, seen watch: TrainingWatch = TrainingWatch()) {
    let report = tokens.details["report"].flatMap(TokenizeReport.init(json:))
    self.init(
      records: report?.records ?? 0, leftOut: report?.recordsWithoutLabels ?? 0, seen: watch.rows,
      seenEmpty: watch.rowsWithoutLabels)
  }

  /// The larger one of the two shares.
  package var share: Double {
    func share(_ part: Int, _ whole: Int) -> Double { whole == 0 ? 0 : Double(part) / Double(whole) }
    return max(share(leftOut, records), share(seenEmpty, seen))
  }

  package var verdict: SanityVerdict { share == 0 ? .fine : share < Self.tooMany ? .warning : .error }

  package var evidence: [(key: String, value: JSON)] {
    [
      ("records", JSON(records)), ("left_out", JSON(leftOut)), ("seen", JSON(seen)), ("seen_empty", JSON(seenEmpty)),
      ("share", JSON(share)),
    ]
  }
}
