import Synchronization

/// The tiles of one call, cut into a range of neighbours for each seat of a team.
///
/// A seat takes the tiles of its own range in their order, then what others have left. So the same rows mostly stay with
/// the same thread from call to call, in the caches and the memory next to it. Every tile is taken once, whoever takes it.
struct TileRanges: @unchecked Sendable {
  /// Two cache lines, since processors fetch them in pairs: seats that count their tiles do not disturb each other.
  private static let stride = 128

  private struct Range: ~Copyable {
    let next = Atomic<Int>(0)
    var end = 0
  }

  private let memory: UnsafeMutableRawPointer
  private let seats: Int
  /// How many seats have tiles; written between calls only.
  private(set) var used = 0

  init(seats: Int) {
    self.seats = seats
    memory = .allocate(byteCount: seats * Self.stride, alignment: Self.stride)
    for seat in 0..<seats { range(seat).initialize(to: Range()) }
  }

  func deallocate() {
    for seat in 0..<seats { range(seat).deinitialize(count: 1) }
    memory.deallocate()
  }

  private func range(_ seat: Int) -> UnsafeMutablePointer<Range> {
    (memory + seat * Self.stride).assumingMemoryBound(to: Range.self)
  }

  /// Deals out 0 ..< `count`, while nobody takes.
  mutating func deal(_ count: Int) {
    used = min(seats, count)
    for seat in 0..<used {
      range(seat).pointee.next.store(seat * count / used, ordering: .relaxed)
      range(seat).pointee.end = (seat + 1) * count / used
    }
  }

  /// Takes tiles until none is left.
  func drain(from seat: Int, _ body: (Int) -> Void) {
    for offset in 0..<used {
      let range = range((seat + offset) % used)
      let end = range.pointee.end
      // The first look spares others the write when nothing is left.
      while range.pointee.next.load(ordering: .relaxed) < end {
        let tile = range.pointee.next.wrappingAdd(1, ordering: .relaxed).oldValue
        if tile >= end { break }
        body(tile)
      }
    }
  }
}
