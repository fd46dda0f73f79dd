/// Neighbouring rows of a dataset file, found and not read.
package struct RowChunk: Sendable {
  package var rows: [RowStretches.Stretch]
  /// The number of the first one in the file, from 1.
  package var firstRow: Int
}

/// Cuts the rows of a file into chunks at boundaries that their bytes decide.
///
/// A chunk ends behind a row whose bytes hash low enough, so an insertion, removal or edit moves the boundaries near it and no
/// others: what is known of an unchanged chunk still holds. Long rows end chunks more often than short ones, so that chunks are of
/// like size whatever the rows are. Cost: one pass over the bytes.
package struct RowChunker {
  /// Chunks have at least this many bytes, but for the last one.
  static let minimum = 1 << 18
  /// And on average about this many more.
  static let average = 1 << 20
  /// And end behind the row that makes them larger than this.
  static let maximum = 1 << 23

  private let bytes: UnsafeRawBufferPointer
  private var stretches: RowStretches
  private var left: Int
  private var count = 0

  /// - Parameter limit: Rows after this many are left out.
  package init(_ bytes: UnsafeRawBufferPointer, shape: FileShape, limit: Int) {
    self.bytes = bytes
    stretches = RowStretches(bytes, shape: shape)
    left = limit
  }

  /// The next chunk; nil behind the last row.
  package mutating func next() -> RowChunk? {
    var chunk = RowChunk(rows: [], firstRow: count + 1)
    var size = 0
    while left > 0, let row = stretches.next() {
      left -= 1
      count += 1
      chunk.rows.append(row)
      size += row.range.count
      if size >= Self.minimum, endsChunk(row.range) || size >= Self.maximum { break }
    }
    return chunk.rows.isEmpty ? nil : chunk
  }

  /// Whether a chunk ends behind a row: by chance of its length in ``average``, decided by its first and last bytes.
  private func endsChunk(_ range: Range<Int>) -> Bool {
    // FNV-1a: any function that spreads will do; it decides where work is cut and no result.
    var hash: UInt64 = 0xcbf2_9ce4_8422_2325
    for byte in bytes[range].prefix(64) { hash = (hash ^ UInt64(byte)) &* 0x100_0000_01b3 }
    for byte in bytes[range].suffix(64) { hash = (hash ^ UInt64(byte)) &* 0x100_0000_01b3 }
    hash = (hash ^ UInt64(range.count)) &* 0x9e37_79b9_7f4a_7c15
    return Double(hash ^ hash >> 32) < Double(range.count) / Double(Self.average) * 0x1p64
  }
}
