import Glibc
import Synchronization

/// The source of all tensor memory: blocks that are given back are kept by size and handed out again, so that a training
/// step after the first asks nothing of the system's allocator.
///
/// Sizes are rounded up to one of four steps per power of two, which wastes at most a quarter. Blocks are aligned to 64
/// bytes, a cache line and the widest vector.
package final class MemoryPool: Sendable {
  package static let shared = MemoryPool()

  private struct State: @unchecked Sendable {
    var free: [Int: [UnsafeMutableRawPointer]] = [:]
    var live = 0
    var peak = 0
    var held = 0
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
  }

  /// A block for `floats` floats, and its true size.
  func take(floats: Int) -> (UnsafeMutablePointer<Float>, bytes: Int) {
    let bytes = MemoryPool.roundedSize(floats * MemoryLayout<Float>.stride)
    let kept = state.withLock { state in
      state.live += bytes
      state.peak = max(state.peak, state.live)
      if let block = state.free[bytes]?.popLast() { return Block(pointer: block) }
      state.held += bytes
      return Block(pointer: nil)
    }
    let raw = kept.pointer ?? allocate(bytes)
    return (raw.bindMemory(to: Float.self, capacity: floats), bytes)
  }

  func give(_ pointer: UnsafeMutablePointer<Float>, bytes: Int) {
    let block = Block(pointer: UnsafeMutableRawPointer(pointer))
    state.withLock { state in
      state.live -= bytes
      if let pointer = block.pointer { state.free[bytes, default: []].append(pointer) }
    }
  }

  private func allocate(_ bytes: Int) -> UnsafeMutableRawPointer {
    var raw: UnsafeMutableRawPointer?
    if posix_memalign(&raw, 64, bytes) != 0 {
      trim()
      posix_memalign(&raw, 64, bytes)
    }
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
