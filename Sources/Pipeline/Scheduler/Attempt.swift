import Diagnostics
import Foundation

/// One attempt at an action, in a thread of its own.
struct Attempt: Sendable {
  /// How it ended.
  enum Ending: Sendable {
    case made(ActionOutcome)
    /// Another process made it meanwhile.
    case found(StoredResult)
  }

  let job: ActionJob
  let executor: any Executor
  let store: Store
  let keeper: LeaseKeeper
  let log: String
  let stop: Cancellation
  let hub: EventHub

  /// Calls `end` when the action has ended.
  ///
  /// What it leaves behind is removed after that: some file systems take milliseconds for each folder. The attempt stays
  /// in `group` until then.
  func start(in group: DispatchGroup, _ end: @escaping @Sendable (Ending) -> Void) {
    group.enter()
    let thread = Thread {
      end(perform())
      try? store.files.removeTree(job.staging)
      group.leave()
    }
    thread.stackSize = 16 << 20
    thread.name = job.node
    thread.start()
  }

  /// Takes the lease of the action key, or waits for the process that has it and takes its result.
  private func perform() -> Ending {
    var lease: Lease?
    defer { lease?.release() }
    var hasAnnounced = false
    do {
      while true {
        if !job.isForced, case .found(let result) = try store.result(for: job.key) { return .found(result) }
        if lease != nil { break }
        switch try keeper.take(job.key) {
        case .taken(let taken): lease = taken  // Look again: it may have been published meanwhile.
        case .held(let owner):
          if !hasAnnounced { hub.emit(.nodeWaiting(node: job.node, key: job.key, owner: owner)) }
          hasAnnounced = true
          if stop.isRequested { return .made(ActionOutcome(result: .failure(.interrupted))) }
          pause(0.1)
        }
      }
    } catch {
      return .made(ActionOutcome(result: .failure(.failed(diagnostics(of: error)))))
    }
    return .made(executor.execute(job, log: log, stop: stop, report: receive))
  }

  private func receive(_ report: NodeReport) {
    switch report {
    case .log(let line): try? store.files.append(log, Array((line + "\n").utf8))
    case .warning(let problem): try? store.files.append(log, Array((problem.rendered() + "\n").utf8))
    case .progress: break
    }
    hub.emit(.nodeReport(node: job.node, report))
  }
}
