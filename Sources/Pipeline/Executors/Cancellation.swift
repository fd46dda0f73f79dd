import Diagnostics
import Synchronization

/// The wish to stop, shared by everything that belongs to a run.
package final class Cancellation: Sendable {
  package enum Level: Int, Sendable, Comparable {
    case none
    /// Finish the step, save, and stop.
    case gentle
    /// Stop now.
    case immediate

    package static func < (a: Level, b: Level) -> Bool { a.rawValue < b.rawValue }
  }

  private let current = Mutex(Level.none)
  private let listeners = Mutex<[@Sendable (Level) -> Void]>([])
  private let followsSignals = Atomic(false)
  /// The run's, when this is a node's: who asks the run to save asks all its nodes.
  private let run: Cancellation?

  package init(ofRun run: Cancellation? = nil) { self.run = run }

  /// What was asked for so far.
  package var level: Level {
    if followsSignals.load(ordering: .relaxed) { raise(to: SignalWatch.level) }
    return current.withLock { $0 }
  }
  package var isRequested: Bool { level > .none }

  /// How often somebody has asked to save what is done and go on.
  package var saveRequests: Int {
    (run?.saveRequests ?? 0) + (followsSignals.load(ordering: .relaxed) ? SignalWatch.saves : 0)
  }

  /// Asks once more: the first time gently, then without delay.
  package func request() { raise(to: isRequested ? .immediate : .gentle) }

  package func raise(to level: Level) {
    let isNew = current.withLock { current in
      defer { current = max(current, level) }
      return level > current
    }
    guard isNew else { return }
    for listener in listeners.withLock({ $0 }) { listener(level) }
  }

  /// From now on signals are requests too; they are seen when somebody asks for the level.
  func followSignals() { followsSignals.store(true, ordering: .relaxed) }

  /// Calls `listener` at every further request, from the thread that requests, or that sees a signal first.
  func onRequest(_ listener: @escaping @Sendable (Level) -> Void) {
    listeners.withLock { $0.append(listener) }
    if isRequested { listener(level) }
  }
}

/// Thrown by a node that stopped because it was asked to.
///
/// Its checkpoints stay.
package struct Interrupted: Error, Sendable {
  package init() {}
}

extension Interrupted: DiagnosticError {
  package var diagnostics: [Diagnostic] {
    [Diagnostic(code: "interrupted", "Stopped on request", advice: "run again to go on from the last checkpoint")]
  }
}
