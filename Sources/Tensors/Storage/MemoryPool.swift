import Diagnostics
import Glibc
import Synchronization

/// The source of all tensor memory, so that a training step after the first asks nothing of the system.
///
/// Large blocks lie in one range of addresses, each at the lowest place where it fits; what is given back is there for
/// blocks of any size. So the range ends where the batch that needs most ends, whatever the lengths of the batches, and
/// batches of one length find their blocks where they were. Small blocks are kept by size and handed out again. Where
/// addresses are limited, large blocks that find no place are the system's own. Blocks are aligned to 64 bytes, a cache
/// line and the widest vector.
package final class MemoryPool: Sendable {
  package static let shared = MemoryPool()

  /// What is at least so large lies in the range of addresses.
  package static let largeBytes = 1 << 16
  private static let pageBytes = 1 << 12

  private struct State: @unchecked Sendable {
    /// Blocks that nobody uses, by ``MemoryPool/smallClass(_:)``.
    var small = [[UnsafeMutableRawPointer]](repeating: [], count: MemoryPool.smallClass(MemoryPool.largeBytes))
    var range = AddressRange()
    var map = AddressMap()
    var live = 0
    var peak = 0
    /// Bytes outside of the range.
    var elsewhere = 0
    /// The most of the range that was in use since it was last emptied.
    var reached = 0
  }

  private struct Block: @unchecked Sendable {
    let pointer: UnsafeMutableRawPointer?
  }

  private let state = Mutex(State())

  /// Bytes that tensors hold now.
  package var liveBytes: Int { state.withLock { $0.live } }

  /// The most bytes that tensors held at one time since the start or the last ``resetPeak()``.
  package var peakBytes: Int { state.withLock { $0.peak } }

  /// Bytes taken from the system, in use or kept for reuse.
  package var heldBytes: Int { state.withLock { $0.elsewhere + $0.reached } }

  /// Lets ``peakBytes`` start again from what is live now.
  package func resetPeak() { state.withLock { $0.peak = $0.live } }

  /// Gives the memory that nobody uses back to the system.
  package func trim() {
    state.withLock { state in
      for index in state.small.indices {
        state.elsewhere -= MemoryPool.smallSize(index) * state.small[index].count
        for block in state.small[index] { free(block) }
        state.small[index] = []
      }
      for hole in state.map.holes { state.range?.empty(hole) }
      if state.reached > state.map.end { state.range?.empty(state.map.end..<state.reached) }
      state.reached = state.map.end
    }
  }

  /// A block for `floats` floats, and its true size.
  func take(floats: Int) -> (UnsafeMutablePointer<Float>, bytes: Int) {
    let bytes = MemoryPool.roundedSize(floats * MemoryLayout<Float>.stride)
    let block = state.withLock { state in
      state.live += bytes
      state.peak = max(state.peak, state.live)
      if bytes >= MemoryPool.largeBytes {
        if let placed = MemoryPool.place(bytes, &state) { return Block(pointer: placed) }
      } else if let kept = state.small[MemoryPool.smallClass(bytes)].popLast() {
        return Block(pointer: kept)
      }
      state.elsewhere += bytes
      var raw: UnsafeMutableRawPointer?
      posix_memalign(&raw, 64, bytes)
      return Block(pointer: raw)
    }
    guard let raw = block.pointer else {
      let held = heldBytes
      stop("Out of memory: \(bytes) bytes more were wanted for tensors, beside \(held) that are held")
    }
    return (raw.bindMemory(to: Float.self, capacity: floats), bytes)
  }

  func give(_ pointer: UnsafeMutablePointer<Float>, bytes: Int) {
    let block = Block(pointer: UnsafeMutableRawPointer(pointer))
    state.withLock { state in
      state.live -= bytes
      guard let pointer = block.pointer else { return }
      if bytes < MemoryPool.largeBytes {
        state.small[MemoryPool.smallClass(bytes)].append(pointer)
      } else if let start = state.range?.place(of: pointer) {
        state.map.give(start..<start + bytes)
      } else {
        state.elsewhere -= bytes
        free(pointer)
      }
    }
  }

  /// A block in the range; nil when it has no place, or no memory.
  private static func place(_ bytes: Int, _ state: inout State) -> UnsafeMutableRawPointer? {
    let start = state.map.take(bytes)
    guard state.range?.use(state.map.end) == true else {
      state.map.give(start..<start + bytes)
      return nil
    }
    state.reached = max(state.reached, state.map.end)
    return state.range.map { $0.start + start }
  }

  /// The bytes of a block for `bytes`: whole pages when it is large, otherwise 64 · {4, 5, 6, 7} · 2^n above 256 bytes, which
  /// wastes at most a quarter.
  static func roundedSize(_ bytes: Int) -> Int {
    if bytes >= largeBytes { return (bytes + pageBytes - 1) / pageBytes * pageBytes }
    let lines = max(4, (bytes + 63) / 64)
    let step = 1 << (Int.bitWidth - 1 - lines.leadingZeroBitCount - 2)
    return (lines + step - 1) / step * step * 64
  }
  /// The place of a rounded size among those below ``largeBytes``: sizes are 64 · {4, 5, 6, 7} · 2^n, four for each n.
  private static func smallClass(_ bytes: Int) -> Int {
    let lines = bytes / 64
    let n = Int.bitWidth - 1 - lines.leadingZeroBitCount - 2
    return 4 * n + (lines >> n) - 4
  }

  private static func smallSize(_ index: Int) -> Int { (4 + index % 4) << (index / 4) * 64 }
}
