import Glibc
import Synchronization

/// The source of all tensor memory: blocks that are given back are kept by size and handed out again, so that a training
/// step after the first asks nothing of the system's allocator.
///
/// Sizes are rounded up to one of four steps per power of two, which wastes at most a quarter; a kept block of up to
/// three sizes more is taken before the system is asked. Blocks are aligned to 64 bytes, a cache line and the widest
/// vector; large ones lie on huge pages where the system has them.
package final class MemoryPool: Sendable {
  package static let shared = MemoryPool()

  private struct State: @unchecked Sendable {
    var free: [Int: [UnsafeMutableRawPointer]] = [:]
    var live = 0
    var peak = 0
    var held = 0

    mutating func take(_ bytes: Int) {
      live += bytes
      peak = max(peak, live)
    }
  }

  private let state = Mutex(State())

  /// Bytes that tensors hold now.
  package var liveBytes: Int { state.withLock { $0.live } }

  /// The most bytes that tensors held at one time since the start or the last ``resetPeak()``.
  package var peakBytes: Int { state.withLock { $0.peak } }

  /// Bytes taken from the system, in use or kept for reuse.
  package var heldBytes: Int { state.withLock { $0.held } }

  /// Lets ``peakBytes`` start again from what is live now.
  package func resetPeak() { state.withLock { $0.peak = $0.live } }

  /// Gives the blocks that nobody uses back to the system.
  package func trim() {
    let blocks = state.withLock { state in
      for (size, blocks) in state.free { state.held -= size * blocks.count }
      defer { state.free = [:] }
      return FreeBlocks(pointers: state.free.values.flatMap { $0 })
    }
    for block in blocks.pointers { free(block) }
  }

  private struct FreeBlocks: @unchecked Sendable {
    let pointers: [UnsafeMutableRawPointer]
  }

  private struct Block: @unchecked Sendable {
    let pointer: UnsafeMutableRawPointer?
    let bytes: Int
  }

  /// A block for `floats` floats, and its true size.
  func take(floats: Int) -> (UnsafeMutablePointer<Float>, bytes: Int) {
    let wanted = MemoryPool.roundedSize(floats * MemoryLayout<Float>.stride)
    let kept = state.withLock { state in
      var bytes = wanted
      // Batches differ in length: a block somewhat larger than wanted is there far more often than one of the size.
      for _ in 0...MemoryPool.largerSizes {
        if let block = state.free[bytes]?.popLast() {
          state.take(bytes)
          return Block(pointer: block, bytes: bytes)
        }
        bytes = MemoryPool.roundedSize(bytes + 1)
      }
      state.take(wanted)
      state.held += wanted
      return Block(pointer: nil, bytes: wanted)
    }
    let raw = kept.pointer ?? allocate(wanted)
    return (raw.bindMemory(to: Float.self, capacity: floats), kept.bytes)
  }

  func give(_ pointer: UnsafeMutablePointer<Float>, bytes: Int) {
    let block = Block(pointer: UnsafeMutableRawPointer(pointer), bytes: bytes)
    state.withLock { state in
      state.live -= bytes
      if let pointer = block.pointer { state.free[bytes, default: []].append(pointer) }
    }
  }

  /// How many sizes above the wanted one a kept block may have: less than twice the size.
  private static let largerSizes = 3
  /// Pages of this size cost the system a five-hundredth of the faults that its ordinary ones cost.
  private static let hugePage = 1 << 21

  private func allocate(_ bytes: Int) -> UnsafeMutableRawPointer {
    var raw: UnsafeMutableRawPointer?
    let isLarge = bytes >= 2 * MemoryPool.hugePage
    let alignment = isLarge ? MemoryPool.hugePage : 64
    if posix_memalign(&raw, alignment, bytes) != 0 {
      trim()
      posix_memalign(&raw, alignment, bytes)
    }
    if isLarge { madvise(raw, bytes, MADV_HUGEPAGE) }
    guard let raw else { preconditionFailure("Out of memory: \(bytes) bytes more were wanted for tensors") }
    return raw
  }

  /// The smallest size of the pool that holds `bytes`: 64 · {4, 5, 6, 7} · 2^n above 256 bytes.
  static func roundedSize(_ bytes: Int) -> Int {
    let lines = max(4, (bytes + 63) / 64)
    let step = 1 << (Int.bitWidth - 1 - lines.leadingZeroBitCount - 2)
    return (lines + step - 1) / step * step * 64
  }
}
