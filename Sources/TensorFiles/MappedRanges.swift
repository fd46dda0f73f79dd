import Glibc
import Synchronization

/// Where files are mapped, for the handler of SIGBUS: a page that its file no longer has is filled with zeros, and its
/// range marked as cut, in place of the end of the process.
///
/// What the handler touches is plain memory of fixed places and atomic words: it may run between any two instructions.
enum MappedRanges {
  /// Words of a slot.
  private enum Word: Int, CaseIterable {
    /// The first address; 0 in a free slot.
    case start
    /// The address behind the last.
    case end
    case isCut
  }

  /// More files are mapped without a net.
  private static let slotCount = 4096
  private static let pageSize = UInt(sysconf(Int32(_SC_PAGESIZE)))
  // Words are only ever reached atomically.
  nonisolated(unsafe) private static let words: UnsafeMutablePointer<Atomic<UInt>> = {
    let words = UnsafeMutablePointer<Atomic<UInt>>.allocate(capacity: slotCount * Word.allCases.count)
    for index in 0..<slotCount * Word.allCases.count { (words + index).initialize(to: Atomic(0)) }
    return words
  }()
  /// The slots that are free, and whether the handler stands.
  private static let free = Mutex<(slots: [Int], isHandled: Bool)>((Array((0..<slotCount).reversed()), false))

  private static func word(_ slot: Int, _ word: Word) -> UnsafeMutablePointer<Atomic<UInt>> {
    words + (slot * Word.allCases.count + word.rawValue)
  }

  /// Takes a slot for a range of whole pages, nil when none is free.
  static func insert(_ address: UnsafeMutableRawPointer, count: Int) -> Int? {
    let slot = free.withLock { free -> Int? in
      if !free.isHandled { install() }
      free.isHandled = true
      return free.slots.popLast()
    }
    guard let slot else { return nil }
    let start = UInt(bitPattern: address)
    word(slot, .isCut).pointee.store(0, ordering: .relaxed)
    word(slot, .end).pointee.store(start + UInt(count), ordering: .relaxed)
    word(slot, .start).pointee.store(start, ordering: .releasing)
    return slot
  }

  /// Gives a slot back; the range may then be unmapped.
  static func remove(_ slot: Int) {
    word(slot, .start).pointee.store(0, ordering: .releasing)
    free.withLock { $0.slots.append(slot) }
  }

  /// Whether a page of the range was missing when it was read.
  static func isCut(_ slot: Int) -> Bool { word(slot, .isCut).pointee.load(ordering: .acquiring) != 0 }

  private static func install() {
    _ = (words, pageSize)
    var action = sigaction()
    action.__sigaction_handler.sa_sigaction = { _, info, _ in
      let address = info.map { UInt(bitPattern: $0.pointee._sifields._sigfault.si_addr) } ?? 0
      // Met again without a handler, the fault ends the process as it would have.
      if !MappedRanges.fill(address) { signal(SIGBUS, SIG_DFL) }
    }
    action.sa_flags = SA_SIGINFO
    sigaction(SIGBUS, &action, nil)
  }

  /// Puts zeros where a file has ended before its mapping; false when no file is mapped at the address.
  private static func fill(_ address: UInt) -> Bool {
    let code = errno
    defer { errno = code }
    for slot in 0..<slotCount {
      let start = word(slot, .start).pointee.load(ordering: .acquiring)
      let end = word(slot, .end).pointee.load(ordering: .relaxed)
      guard start != 0, address >= start, address < end else { continue }
      word(slot, .isCut).pointee.store(1, ordering: .releasing)
      let page = address & ~(pageSize - 1)
      let flags = MAP_PRIVATE | MAP_ANONYMOUS | MAP_FIXED
      return mmap(UnsafeMutableRawPointer(bitPattern: page), Int(end - page), PROT_READ, flags, -1, 0) != MAP_FAILED
    }
    return false
  }
}
