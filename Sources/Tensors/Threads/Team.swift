import CTensorKernels
import Glibc
import Synchronization
import Threads

/// What the threads of a pool share: a seat for each, the caller's being the first.
///
/// The workers hold it, not the pool, so that a pool can go away. Only as many are woken as there are tiles, each by
/// another one, two at a time. The caller waits for those that came while there were tiles, not for those that sleep on.
final class Team: @unchecked Sendable {
  private struct Seat: ~Copyable {
    var wake = sem_t()
    /// Whether the thread was woken and has not looked yet.
    let isWanted = Atomic<Bool>(false)
  }

  /// Whether a call is open (1), and twice the number of workers inside.
  private struct Gate: ~Copyable {
    let state = Atomic<Int>(0)
  }

  /// Two cache lines each; see ``TileRanges``.
  private static let stride = 128

  private let seats: Int
  /// How long a thread looks for work before it sleeps, in nanoseconds.
  ///
  /// Between the calls of a step there is less to wait for than a sleeping processor takes to wake up. Zero where a thread
  /// that looks would keep another one from its work.
  private let polling: Int64
  private let places: UnsafeMutableRawPointer
  private let gate: UnsafeMutablePointer<Gate>
  /// Told by the last worker to leave a call that is closed.
  private let isEmpty = UnsafeMutablePointer<sem_t>.allocate(capacity: 1)
  /// Held by the thread whose tiles are being worked off.
  private let turn = UnsafeMutablePointer<pthread_mutex_t>.allocate(capacity: 1)
  private let isStopped = Atomic<Bool>(false)

  // Written while the gate is closed and nobody is inside.
  private var ranges: TileRanges
  /// Behind a pointer, so that no worker keeps a reference to a closure that must not outlive the call.
  private var body: UnsafePointer<(Int) -> Void>?

  init(seats: Int) {
    self.seats = seats
    ranges = TileRanges(seats: seats)
    polling = seats <= ThreadPool.availableProcessors ? 200_000 : 0
    places = .allocate(byteCount: (seats + 1) * Self.stride, alignment: Self.stride)
    gate = (places + seats * Self.stride).bindMemory(to: Gate.self, capacity: 1)
    gate.initialize(to: Gate())
    for seat in 0..<seats {
      (places + seat * Self.stride).bindMemory(to: Seat.self, capacity: 1).initialize(to: Seat())
      sem_init(&place(seat).pointee.wake, 0, 0)
    }
    sem_init(isEmpty, 0, 0)
    pthread_mutex_init(turn, nil)
  }

  deinit {
    for seat in 0..<seats {
      sem_destroy(&place(seat).pointee.wake)
      place(seat).deinitialize(count: 1)
    }
    gate.deinitialize(count: 1)
    places.deallocate()
    ranges.deallocate()
    sem_destroy(isEmpty)
    isEmpty.deallocate()
    pthread_mutex_destroy(turn)
    turn.deallocate()
  }

  private func place(_ seat: Int) -> UnsafeMutablePointer<Seat> {
    (places + seat * Self.stride).assumingMemoryBound(to: Seat.self)
  }

  /// Starts the thread of a seat, on the given processors when there are any.
  func startWorker(seat: Int, processors: [Int32]) {
    // Fewer threads than asked for give the same results, later.
    _ = startThread(stackSize: 8 << 20) { [self] in
      // Where that is not allowed it runs wherever the system puts it.
      if !processors.isEmpty { _ = tk_run_on(processors, processors.count) }
      work(seat)
    }
  }

  func stop() {
    isStopped.store(true, ordering: .releasing)
    for seat in 1..<seats { sem_post(&place(seat).pointee.wake) }
  }

  func run(_ count: Int, _ body: UnsafePointer<(Int) -> Void>) {
    pthread_mutex_lock(turn)
    ranges.deal(count)
    self.body = body
    gate.pointee.state.store(1, ordering: .releasing)
    work(body, seat: 0)
    let (before, _) = gate.pointee.state.bitwiseAnd(~1, ordering: .acquiringAndReleasing)
    if before > 1 { wait(for: isEmpty) }
    self.body = nil
    pthread_mutex_unlock(turn)
  }

  private func work(_ seat: Int) {
    while true {
      wait(for: &place(seat).pointee.wake)
      if isStopped.load(ordering: .acquiring) { return }
      // Before the look at the gate, so that a call that opens after the look wakes this thread again.
      place(seat).pointee.isWanted.store(false, ordering: .sequentiallyConsistent)
      guard enter() else { continue }
      if let body, seat < ranges.used { work(body, seat: seat) }
      let (_, after) = gate.pointee.state.wrappingSubtract(2, ordering: .acquiringAndReleasing)
      if after == 0 { sem_post(isEmpty) }
    }
  }

  /// Joins the call that is open; false when there is none.
  private func enter() -> Bool {
    var state = gate.pointee.state.load(ordering: .sequentiallyConsistent)
    while state & 1 == 1 {
      let (isMine, now) = gate.pointee.state.weakCompareExchange(
        expected: state, desired: state + 2, ordering: .acquiringAndReleasing)
      if isMine { return true }
      state = now
    }
    return false
  }

  @inline(never)
  private func work(_ body: UnsafePointer<(Int) -> Void>, seat: Int) {
    for other in [2 * seat + 1, 2 * seat + 2] where other < ranges.used {
      if !place(other).pointee.isWanted.exchange(true, ordering: .sequentiallyConsistent) {
        sem_post(&place(other).pointee.wake)
      }
    }
    tk_set_inside_tile(1)
    ranges.drain(from: seat, body.pointee)
    tk_set_inside_tile(0)
  }

  private func wait(for semaphore: UnsafeMutablePointer<sem_t>) { tk_wait(semaphore, polling) }
}
