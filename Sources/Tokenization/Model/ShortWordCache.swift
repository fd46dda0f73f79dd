import Diagnostics
import Glibc

/// Ids of short pieces seen before, for one thread at a time: nearly all pieces of nearly all texts.
///
/// A piece of up to 16 bytes and up to three ids take one entry of 32 bytes; two entries, a line of cache, share a place,
/// and a third piece there drives out the older one. So the size is fixed (1 MB, touched as it fills) and nothing is
/// ever emptied.
final class ShortWordCache {
  private struct Entry {
    var words = (UInt64(0), UInt64(0))
    var ids = (Int32(0), Int32(0), Int32(0))
    /// 0 marks a free entry.
    var byteCount: UInt8 = 0
    var idCount: UInt8 = 0

    @inline(__always)
    func holds(_ piece: ByteWords, _ count: Int) -> Bool {
      (words.0 ^ piece.first) | (words.1 ^ piece.second) | UInt64(truncatingIfNeeded: Int(byteCount) ^ count) == 0
    }
  }

  /// The most bytes and ids of a piece that is kept.
  static let byteLimit = 16
  static let idLimit = 3
  private static let places = 1 << 14

  private let entries: UnsafeMutablePointer<Entry>

  init() {
    let size = MemoryLayout<Entry>.stride * 2 * Self.places
    guard let memory = aligned_alloc(64, size) else { stop("Out of memory: a table of 1 MB was wanted") }
    memset(memory, 0, size)
    entries = memory.bindMemory(to: Entry.self, capacity: 2 * Self.places)
  }

  deinit { free(entries) }

  @inline(__always)
  private func place(_ hash: UInt64) -> UnsafeMutablePointer<Entry> {
    entries + 2 * (Int(truncatingIfNeeded: hash) & (Self.places - 1))
  }

  /// Appends the ids of a piece of 1 to ``byteLimit`` bytes if they are known.
  @inline(__always)
  func appendIDs(of piece: ByteWords, _ count: Int, hash: UInt64, to ids: inout IDBuffer) -> Bool {
    let place = place(hash)
    let found = place[0].holds(piece, count) ? place : place + 1
    guard found.pointee.holds(piece, count) else { return false }
    ids.append(found.pointee.ids, kept: Int(found.pointee.idCount))
    return true
  }

  /// Keeps the ids of a piece that is not in the cache, within the limits.
  func insert(_ piece: ByteWords, _ count: Int, hash: UInt64, ids: UnsafeBufferPointer<Int32>) {
    let place = place(hash)
    place[1] = place[0]
    place[0] = Entry(
      words: (piece.first, piece.second),
      ids: (
        ids.count > 0 ? ids[0] : 0, ids.count > 1 ? ids[1] : 0, ids.count > 2 ? ids[2] : 0
      ), byteCount: UInt8(count), idCount: UInt8(ids.count))
  }
}
