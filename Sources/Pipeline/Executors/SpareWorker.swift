import Glibc
import Synchronization

/// A worker process that was started before there was a job for it.
final class SpareWorker: Sendable {
  private let child = Mutex<ChildProcess?>(nil)

  /// Starts one unless there is one.
  ///
  /// A start that fails is tried again, and reported, when there is a job.
  func start(_ program: [String]) {
    // Its log is known with its job.
    child.withLock { $0 = $0 ?? (try? ChildProcess(program: program, log: "/dev/null")) }
  }

  /// Gives it away; nil when there is none, or none that still runs.
  func take() -> ChildProcess? {
    guard let child = child.withLock({ $0.take() }) else { return nil }
    if child.ending() == nil { return child }
    child.closePipes()
    return nil
  }

  /// Ends it.
  func dismiss() {
    guard let child = take() else { return }
    child.signal(SIGKILL)
    child.closePipes()
    waitpid(child.process, nil, 0)
  }
}
