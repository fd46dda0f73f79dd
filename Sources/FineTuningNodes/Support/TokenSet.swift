import Pipeline
import TokenShards
import Training

/// The rows of a token artefact, numbered through over its shards.
final class TokenSet {
  /// The member of each shard, and its rows.
  let shards: [(member: String, rows: Int)]
  /// The number of each shard's first row.
  let starts: [Int]
  let count: Int
  private let readers: [TokenShardReader]

  init(_ view: ArtefactView) throws {
    readers = try view.members.map { try TokenShardReader(path: view.path(of: $0)) }
    shards = zip(view.members, readers).map { ($0, $1.rowCount) }
    var starts: [Int] = []
    var count = 0
    for shard in shards {
      starts.append(count)
      count += shard.rows
    }
    self.starts = starts
    self.count = count
  }

  /// The tokens of the longest sequence.
  var longest: Int { readers.map(\.counts.longestSequence).max() ?? 0 }

  /// The rows as a training takes them.
  var trainingRows: TrainingRows { TrainingRows(count: count, read: row) }

  /// - Precondition: `number` is from 0 to below ``count``.
  func row(_ number: Int) throws -> TokenRow {
    let shard = (starts.lastIndex { $0 <= number }) ?? 0
    return try readers[shard].row(number - starts[shard])
  }
}
