import Synchronization

/// Counts the memory that tensors would take, while nothing is computed.
///
/// Inside of ``run(_:)`` operations do what takes and gives memory and nothing else: a tensor has a shape and no elements,
/// its pointer points nowhere. Work on elements is done in tiles (``ThreadPool/tiles(_:_:)``) or in ``onElements(_:)``, and
/// both leave it out. So memory that is taken outside of them counts; what a tile takes for itself does not, but for the
/// rows of a ``RowProgram``.
///
/// A count is seen by the task that runs it alone: several may run at the same time, beside tensors that are real. Cost: that
/// of the operations' bookkeeping, whatever the sizes.
package final class MemoryCount: Sendable {
  @TaskLocal static var current: MemoryCount?

  private struct State {
    var live = 0
    var peak = 0
  }

  private let state = Mutex(State())

  private init() {}

  /// Bytes that tensors hold now.
  package var liveBytes: Int { state.withLock { $0.live } }

  /// The most bytes that tensors held at one time since the start or the last ``resetPeak()``.
  package var peakBytes: Int { state.withLock { $0.peak } }

  /// Lets ``peakBytes`` start again from what is live now.
  package func resetPeak() { state.withLock { $0.peak = $0.live } }

  /// Runs `body` with the memory of all tensors that it makes counted; none of them may be read afterwards.
  package static func run<Result>(_ body: (MemoryCount) throws -> Result) rethrows -> Result {
    let count = MemoryCount()
    return try $current.withValue(count) { try body(count) }
  }

  func take(_ bytes: Int) {
    state.withLock {
      $0.live += bytes
      $0.peak = max($0.peak, $0.live)
    }
  }

  func give(_ bytes: Int) { state.withLock { $0.live -= bytes } }
}

/// Does work on the elements of tensors in the calling thread; leaves it out where memory is only counted.
@inline(__always)
package func onElements(_ work: () throws -> Void) rethrows {
  if MemoryCount.current == nil { try work() }
}
