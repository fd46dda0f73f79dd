import Glibc

/// A range of addresses without memory behind it, of which the first part can be made usable.
struct AddressRange: @unchecked Sendable {
  let start: UnsafeMutableRawPointer
  let count: Int
  /// Bytes that can be used.
  private(set) var usable = 0

  /// Memory is asked for in pieces of this size.
  private static let piece = 1 << 26

  /// A terabyte of addresses, or at most half of those that there are, since threads and everything else need some too;
  /// nil when there are few.
  init?() {
    var count = 1 << 40
    var isLimited = false
    while count >= AddressRange.piece {
      let found = mmap(nil, count, PROT_NONE, MAP_PRIVATE | MAP_ANONYMOUS | MAP_NORESERVE, -1, 0)
      if let found, found != UnsafeMutableRawPointer(bitPattern: -1) {
        start = found
        self.count = isLimited ? count / 2 : count
        if isLimited { munmap(found + self.count, count - self.count) }
        return
      }
      isLimited = true
      count /= 2
    }
    return nil
  }

  /// Makes the first bytes usable; false when the system has no more.
  mutating func use(_ bytes: Int) -> Bool {
    if bytes <= usable { return true }
    let wanted = min(count, (bytes + AddressRange.piece - 1) / AddressRange.piece * AddressRange.piece)
    guard bytes <= count, mprotect(start + usable, wanted - usable, PROT_READ | PROT_WRITE) == 0 else { return false }
    // Pages of two megabytes cost the system a five-hundredth of the faults that its ordinary ones cost.
    madvise(start + usable, wanted - usable, MADV_HUGEPAGE)
    usable = wanted
    return true
  }

  /// Where a pointer points, from the start; nil when that is somewhere else.
  func place(of pointer: UnsafeMutableRawPointer) -> Int? {
    let place = pointer - start
    return 0 <= place && place < count ? place : nil
  }

  /// Gives the memory of some bytes back; they stay usable, and are zeros.
  func empty(_ bytes: Range<Int>) { madvise(start + bytes.lowerBound, bytes.count, MADV_DONTNEED) }
}
