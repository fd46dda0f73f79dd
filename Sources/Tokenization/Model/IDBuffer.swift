/// Ids that are being found, in memory that one text after another uses.
///
/// A plain pointer, because an array's checks at each of many small appends cost more than finding the ids.
struct IDBuffer: ~Copyable {
  private var base: UnsafeMutablePointer<Int32>
  private var capacity: Int
  private(set) var count = 0

  init(capacity: Int = 1024) {
    base = .allocate(capacity: capacity)
    self.capacity = capacity
  }

  deinit { base.deallocate() }

  /// All ids, or those from `start` on; good until the next change.
  func ids(from start: Int = 0) -> UnsafeBufferPointer<Int32> {
    UnsafeBufferPointer(start: base + start, count: count - start)
  }

  mutating func removeAll() { count = 0 }

  /// Makes room for `extra` more ids.
  @inline(__always)
  mutating func reserve(_ extra: Int) {
    if count + extra > capacity { grow(extra) }
  }

  @inline(never)
  private mutating func grow(_ extra: Int) {
    let larger = UnsafeMutablePointer<Int32>.allocate(capacity: 2 * (count + extra))
    larger.update(from: base, count: count)
    base.deallocate()
    base = larger
    capacity = 2 * (count + extra)
  }

  @inline(__always)
  mutating func append(_ id: Int32) {
    reserve(1)
    base[count] = id
    count += 1
  }

  @inline(__always)
  mutating func append(_ ids: UnsafeBufferPointer<Int32>) {
    reserve(ids.count)
    if let source = ids.baseAddress { (base + count).update(from: source, count: ids.count) }
    count += ids.count
  }

  /// Appends the first `kept` of three ids.
  @inline(__always)
  mutating func append(_ ids: (Int32, Int32, Int32), kept: Int) {
    reserve(3)
    (base[count], base[count + 1], base[count + 2]) = ids
    count += kept
  }
}
