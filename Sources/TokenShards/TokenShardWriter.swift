import Glibc
import PreciseJSON

/// Writes a token shard row by row.
///
/// The same rows give the same bytes.
package final class TokenShardWriter {
  private let path: String
  private let file: UnsafeMutablePointer<FILE>
  private var offset = 0
  private var blocks: [TokenShardLayout.Block] = []
  private var counts = TokenCounts()
  private var sources: [String] = []
  private var pending: [UInt8] = []
  private var pendingRows = 0
  private var pendingTokens = 0
  private var isFinished = false

  package init(path: String) throws {
    self.path = path
    guard let file = fopen(path, "wbe") else { throw Self.systemError(path) }
    self.file = file
    try put(TokenShardLayout.magic)
  }

  deinit {
    if !isFinished {
      fclose(file)
      unlink(path)
    }
  }

  package func append(_ row: TokenRow) throws {
    TokenShardLayout.append(row, sources: &sources, to: &pending)
    pendingRows += 1
    pendingTokens += TokenShardLayout.size(of: row)
    counts.add(row)
    if pendingTokens >= TokenShardLayout.blockTokens { try closeBlock() }
  }

  /// Writes the index and closes the file; flushing it to the disk is left to whoever keeps it.
  ///
  /// Without this call the file is removed.
  package func finish() throws -> TokenCounts {
    try closeBlock()
    let index = TokenShardLayout.index(counts: counts, blocks: blocks, sources: sources)
    let frame = try compress(Array(index.text().utf8))
    try put(frame)
    var end: [UInt8] = []
    TokenShardLayout.append(UInt32(frame.count), to: &end)
    try put(end + TokenShardLayout.endMagic)
    guard fflush(file) == 0 else { throw Self.systemError(path) }
    isFinished = true
    guard fclose(file) == 0 else { throw Self.systemError(path) }
    return counts
  }

  private func closeBlock() throws {
    guard pendingRows > 0 else { return }
    let frame = try compress(pending)
    blocks.append(
      TokenShardLayout.Block(
        offset: offset, size: frame.count, firstRow: counts.rows - pendingRows, rows: pendingRows))
    try put(frame)
    pending.removeAll(keepingCapacity: true)
    pendingRows = 0
    pendingTokens = 0
  }

  private func compress(_ bytes: [UInt8]) throws -> [UInt8] {
    do {
      return try compressZstandard(bytes)
    } catch {
      throw TokenShardError(.compression(error.detail), file: path)
    }
  }

  private func put(_ bytes: [UInt8]) throws {
    guard fwrite(bytes, 1, bytes.count, file) == bytes.count else { throw Self.systemError(path) }
    offset += bytes.count
  }

  private static func systemError(_ path: String) -> TokenShardError {
    TokenShardError(.system(code: String(cString: strerror(errno))), file: path)
  }
}
