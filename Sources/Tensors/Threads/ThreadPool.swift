import CTensorKernels
import Glibc
import Synchronization

/// A fixed team of threads that works off numbered tiles.
///
/// Which tiles there are is the caller's business and never depends on the number of threads, so results do not either.
/// Waiting threads sleep on a condition variable. Any thread may call; calls from several threads take turns.
package final class ThreadPool: Sendable {
  /// The number of threads that work, the caller included, from 1 to 128.
  package let threads: Int
  private let team: Team

  /// - Parameter threads: brought into 1 ... 128.
  package init(threads: Int) {
    self.threads = min(128, max(1, threads))
    team = Team()
    for _ in 1..<self.threads { team.startWorker() }
  }

  /// The number of processors that this process may run on.
  package static var availableProcessors: Int { max(1, Int(tk_available_processors())) }

  deinit { team.stop() }

  /// Runs `body` once for each number in 0 ..< `count` and returns when all are done.
  ///
  /// The tiles run at the same time in any order: a tile writes to nothing that another one touches. A call from inside
  /// a tile runs its tiles one after the other.
  package func tiles(_ count: Int, _ body: (Int) -> Void) {
    if threads == 1 || count <= 1 || tk_inside_tile() != 0 {
      for tile in 0..<max(0, count) { body(tile) }
      return
    }
    withoutActuallyEscaping(body) { body in withUnsafePointer(to: body) { team.run(count, $0) } }
  }
}

/// What the threads of a pool share.
///
/// The workers hold it, not the pool, so that a pool can go away.
private final class Team: @unchecked Sendable {
  private let mutex = UnsafeMutablePointer<pthread_mutex_t>.allocate(capacity: 1)
  private let workArrived = UnsafeMutablePointer<pthread_cond_t>.allocate(capacity: 1)
  private let workDone = UnsafeMutablePointer<pthread_cond_t>.allocate(capacity: 1)
  /// Held by the thread whose tiles are being worked off.
  private let turn = UnsafeMutablePointer<pthread_mutex_t>.allocate(capacity: 1)
  private let next = Atomic<Int>(0)

  // Guarded by `mutex`.
  private var generation = 0
  private var count = 0
  /// Behind a pointer, so that no worker keeps a reference to a closure that must not outlive the call.
  private var body: UnsafePointer<(Int) -> Void>?
  private var busy = 0
  private var stopped = false

  init() {
    pthread_mutex_init(mutex, nil)
    pthread_mutex_init(turn, nil)
    pthread_cond_init(workArrived, nil)
    pthread_cond_init(workDone, nil)
  }

  deinit {
    pthread_mutex_destroy(mutex)
    pthread_mutex_destroy(turn)
    pthread_cond_destroy(workArrived)
    pthread_cond_destroy(workDone)
    mutex.deallocate()
    turn.deallocate()
    workArrived.deallocate()
    workDone.deallocate()
  }

  func startWorker() {
    var thread = pthread_t()
    let team = Unmanaged.passRetained(self)
    let status = pthread_create(
      &thread, nil,
      { context in
        guard let context else { return nil }
        Unmanaged<Team>.fromOpaque(context).takeRetainedValue().work()
        return nil
      }, team.toOpaque())
    // Fewer threads than asked for give the same results, later.
    if status == 0 { pthread_detach(thread) } else { team.release() }
  }

  func stop() {
    pthread_mutex_lock(mutex)
    stopped = true
    pthread_cond_broadcast(workArrived)
    pthread_mutex_unlock(mutex)
  }

  func run(_ count: Int, _ body: UnsafePointer<(Int) -> Void>) {
    pthread_mutex_lock(turn)
    pthread_mutex_lock(mutex)
    self.count = count
    self.body = body
    generation += 1
    next.store(0, ordering: .relaxed)
    pthread_cond_broadcast(workArrived)
    pthread_mutex_unlock(mutex)

    drain(count, body)

    pthread_mutex_lock(mutex)
    while busy > 0 { pthread_cond_wait(workDone, mutex) }
    self.body = nil
    pthread_mutex_unlock(mutex)
    pthread_mutex_unlock(turn)
  }

  private func work() {
    var seen = 0
    pthread_mutex_lock(mutex)
    while true {
      while !stopped, generation == seen || body == nil { pthread_cond_wait(workArrived, mutex) }
      if stopped { break }
      seen = generation
      guard let body else { continue }
      let count = count
      busy += 1
      pthread_mutex_unlock(mutex)
      drain(count, body)
      pthread_mutex_lock(mutex)
      busy -= 1
      if busy == 0 { pthread_cond_signal(workDone) }
    }
    pthread_mutex_unlock(mutex)
  }

  @inline(never)
  private func drain(_ count: Int, _ body: UnsafePointer<(Int) -> Void>) {
    tk_set_inside_tile(1)
    while true {
      let tile = next.wrappingAdd(1, ordering: .relaxed).oldValue
      if tile >= count { break }
      body.pointee(tile)
    }
    tk_set_inside_tile(0)
  }
}
