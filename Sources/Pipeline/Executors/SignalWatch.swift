import Glibc
import Synchronization

/// How many requests to stop came as signals.
private let requests = Atomic(0)
/// How many requests to save came as signals.
private let saveRequests = Atomic(0)
/// How many of them the process takes; the next one ends it at once.
private let tolerance = Atomic(0)
/// Whether the signals keep their handler when nobody watches.
private let isCaughtAlways = Atomic(false)

/// Turns SIGINT and SIGTERM into requests to stop, and SIGUSR1 into requests to save, on a ``Cancellation`` while this value
/// lives.
///
/// A handler counts them, and whoever asks the cancellation for its level sees the count: there is no thread that the
/// system might not give.
package final class SignalWatch: Sendable {
  /// Until ``tolerate(_:)`` says otherwise the first signal ends the process with exit code 75.
  package init(_ cancellation: Cancellation) {
    requests.store(0, ordering: .relaxed)
    tolerance.store(0, ordering: .relaxed)
    cancellation.followSignals()
    catchSignals()
  }

  /// How many signals are requests; the one after them ends the process at once with exit code 75.
  package func tolerate(_ count: Int) { tolerance.store(count, ordering: .releasing) }

  /// How often signals have asked to save.
  static var saves: Int { saveRequests.load(ordering: .acquiring) }

  /// What the signals so far ask for.
  static var level: Cancellation.Level {
    switch requests.load(ordering: .acquiring) {
    case 0: .none
    case 1: .gentle
    default: .immediate
    }
  }

  deinit {
    tolerance.store(0, ordering: .releasing)
    guard !isCaughtAlways.load(ordering: .relaxed) else { return }
    for number in [SIGINT, SIGTERM, SIGUSR1] { signal(number, SIG_DFL) }
  }
}

/// Has SIGINT and SIGTERM end this process with exit code 75 whenever no ``SignalWatch`` takes them as requests.
///
/// To be called first of all by a program that may be asked to stop at any time.
package func endOnSignals() {
  isCaughtAlways.store(true, ordering: .relaxed)
  catchSignals()
}

private func catchSignals() {
  var action = sigaction()
  action.sa_flags = SA_RESTART
  action.__sigaction_handler.sa_handler = { _ in
    let count = requests.add(1, ordering: .acquiringAndReleasing).newValue
    guard count > tolerance.load(ordering: .acquiring) else { return }
    let words: StaticString = "Stopped on request.\n"
    _ = write(STDERR_FILENO, words.utf8Start, words.utf8CodeUnitCount)
    _exit(75)
  }
  var saving = sigaction()
  saving.sa_flags = SA_RESTART
  saving.__sigaction_handler.sa_handler = { _ in saveRequests.add(1, ordering: .acquiringAndReleasing) }
  sigaction(SIGUSR1, &saving, nil)
  // Who started this process may have blocked them: threads of Dispatch do.
  var mask = sigset_t()
  sigemptyset(&mask)
  for number in [SIGINT, SIGTERM] {
    sigaction(number, &action, nil)
    sigaddset(&mask, number)
  }
  sigaddset(&mask, SIGUSR1)
  pthread_sigmask(SIG_UNBLOCK, &mask, nil)
}

/// Sets what this process does on signals that it may have inherited otherwise.
package func prepareSignals() {
  // A limit on file sizes is an error of the write, like a full disk.
  signal(SIGXFSZ, SIG_IGN)
  // Who started this process may not care for its children; the children's endings are wanted here.
  signal(SIGCHLD, SIG_DFL)
}
