import Pipeline
import TokenShards

/// The rows of a token artefact, numbered through over its shards.
final class TokenSet {
  private let shards: [TokenShardReader]
  /// The number of each shard's first row.
  private let starts: [Int]
  let count: Int

  init(_ view: ArtefactView) throws {
    shards = try view.members.map { try TokenShardReader(path: view.path(of: $0)) }
    var starts: [Int] = []
    var count = 0
    for shard in shards {
      starts.append(count)
      count += shard.rowCount
    }
    self.starts = starts
    self.count = count
  }

  /// - Precondition: `number` is from 0 to below ``count``.
  func row(_ number: Int) throws -> TokenRow {
    let shard = (starts.lastIndex { $0 <= number }) ?? 0
    return try shards[shard].row(number - starts[shard])
  }
}
