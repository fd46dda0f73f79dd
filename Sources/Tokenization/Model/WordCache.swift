/// Ids of longer pieces seen before, for one thread at a time; emptied when it is full.
///
/// What ``ShortWordCache`` cannot hold.
final class WordCache {
  private struct Entry {
    var hash: UInt64 = 0
    var key: UInt32 = 0
    var ids: UInt32 = 0
    var keyCount: UInt16 = 0
    /// 0 marks a free entry.
    var stamp: UInt16 = 0
    var idCount: UInt32 = 0
  }

  /// Longer pieces are not kept: they hardly ever come twice.
  static let keyLimit = 64
  private static let capacity = 1 << 15
  private static let byteLimit = 1 << 20

  private let entries: UnsafeMutablePointer<Entry>
  private let keyBytes: UnsafeMutablePointer<UInt8>
  private let idStore: UnsafeMutablePointer<Int32>
  private var keyEnd = 0
  private var idEnd = 0
  private var count = 0

  init() {
    entries = .allocate(capacity: Self.capacity)
    entries.initialize(repeating: Entry(), count: Self.capacity)
    keyBytes = .allocate(capacity: Self.byteLimit)
    // A piece never has more ids than bytes.
    idStore = .allocate(capacity: Self.byteLimit)
  }

  deinit {
    entries.deallocate()
    keyBytes.deallocate()
    idStore.deallocate()
  }

  /// Appends the ids of `word` if they are known.
  @inline(__always)
  func appendIDs(of word: UnsafeBufferPointer<UInt8>, hash: UInt64, to ids: inout IDBuffer) -> Bool {
    guard let base = word.baseAddress else { return true }
    var index = Int(truncatingIfNeeded: hash) & (Self.capacity - 1)
    while entries[index].stamp != 0 {
      let entry = entries[index]
      if entry.hash == hash, Int(entry.keyCount) == word.count, equal(base, keyBytes + Int(entry.key), word.count) {
        ids.append(UnsafeBufferPointer(start: idStore + Int(entry.ids), count: Int(entry.idCount)))
        return true
      }
      index = (index + 1) & (Self.capacity - 1)
    }
    return false
  }

  @inline(__always)
  private func equal(_ a: UnsafePointer<UInt8>, _ b: UnsafePointer<UInt8>, _ count: Int) -> Bool {
    var index = 0
    while index + 8 <= count {
      let left = UnsafeRawPointer(a + index).loadUnaligned(as: UInt64.self)
      if left != UnsafeRawPointer(b + index).loadUnaligned(as: UInt64.self) { return false }
      index += 8
    }
    while index < count {
      if a[index] != b[index] { return false }
      index += 1
    }
    return true
  }

  /// Keeps the ids of a word that is not in the cache; a word longer than ``keyLimit`` must not be given.
  func insert(_ word: UnsafeBufferPointer<UInt8>, hash: UInt64, ids: UnsafeBufferPointer<Int32>) {
    guard let base = word.baseAddress else { return }
    if count >= Self.capacity * 5 / 8 || keyEnd + word.count > Self.byteLimit || idEnd + ids.count > Self.byteLimit {
      entries.update(repeating: Entry(), count: Self.capacity)
      count = 0
      keyEnd = 0
      idEnd = 0
    }
    var index = Int(truncatingIfNeeded: hash) & (Self.capacity - 1)
    while entries[index].stamp != 0 { index = (index + 1) & (Self.capacity - 1) }
    entries[index] = Entry(
      hash: hash, key: UInt32(keyEnd), ids: UInt32(idEnd), keyCount: UInt16(word.count), stamp: 1,
      idCount: UInt32(ids.count))
    (keyBytes + keyEnd).update(from: base, count: word.count)
    for (offset, id) in ids.enumerated() { idStore[idEnd + offset] = id }
    keyEnd += word.count
    idEnd += ids.count
    count += 1
  }
}
