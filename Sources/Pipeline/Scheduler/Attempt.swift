import Diagnostics
import Dispatch
import Synchronization
import Threads

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
  let remotes: RemoteCaches
  let log: String
  let stop: Cancellation
  let hub: EventHub

  /// Calls `end` when the action has ended, or when there is no thread for it.
  ///
  /// What it leaves behind is removed after that: some file systems take milliseconds for each folder. The attempt stays
  /// in `group` until then.
  func start(in group: DispatchGroup, _ end: @escaping @Sendable (Ending) -> Void) {
    group.enter()
    let code = startThread(stackSize: 16 << 20) {
      end(perform())
      // What cannot be removed now is left to the garbage collector.
      try? store.files.removeTree(job.staging)
      group.leave()
    }
    guard code != 0 else { return }
    let problem = SystemError("start a thread for", job.node, code: code)
    end(.made(ActionOutcome(result: .failure(.failed(problem.diagnostics)))))
    group.leave()
  }

  /// Takes the lease of the action key and performs the action, or waits for the process that has the lease and takes its
  /// result.
  ///
  /// Somebody may take the lease over while this process is paused or its machine sleeps, and then remove what both work
  /// on: an attempt that failed without its lease proves nothing.
  private func perform() -> Ending {
    while true {
      let lease: Lease
      switch leaseOrEnding() {
      case .lease(let taken): lease = taken
      case .ending(let ending): return ending
      }
      defer { lease.release() }
      var outcome = executor.execute(job, log: log, stop: stop, report: receive)
      if case .success(let result) = outcome.result { outcome.notShared = share(result) }
      guard case .failure(.failed) = outcome.result, !lease.isHeld else { return .made(outcome) }
      hub.emit(.nodeReport(node: job.node, .log("another process took the work over; waiting for its result")))
    }
  }

  /// The lease of the action key, or how the attempt ended without it.
  private func leaseOrEnding() -> LeaseOrEnding {
    var lease: Lease?
    var hasAnnounced = false
    do {
      while true {
        if !job.isForced, case .found(let result) = try store.result(for: job.key) {
          lease?.release()
          return .ending(.found(result))
        }
        if let lease {
          if !job.isForced, let result = try fetched() {
            lease.release()
            return .ending(.found(result))
          }
          return .lease(lease)
        }
        switch try keeper.take(job.key) {
        case .taken(let taken): lease = taken  // Look again: it may have been published meanwhile.
        case .held(let owner):
          if !hasAnnounced { hub.emit(.nodeWaiting(node: job.node, key: job.key, owner: owner)) }
          hasAnnounced = true
          if stop.isRequested { return .ending(.made(ActionOutcome(result: .failure(.interrupted)))) }
          pause(0.1)
        }
      }
    } catch is Interrupted {
      lease?.release()
      return .ending(.made(ActionOutcome(result: .failure(.interrupted))))
    } catch {
      lease?.release()
      return .ending(.made(ActionOutcome(result: .failure(.failed(diagnostics(of: error))))))
    }
  }

  /// The result from a remote cache, once it stands in the store.
  private func fetched() throws -> StoredResult? {
    let told = Mutex(steadyClock())
    let found = try remotes.fetch(
      job.key, into: store, stop: stop,
      progress: { [hub, job] come, all in
        let now = steadyClock()
        let isDue = told.withLock { told in
          guard now - told >= Self.progressInterval else { return false }
          told = now
          return true
        }
        guard isDue else { return }
        hub.emit(
          .nodeReport(
            node: job.node, .progress(ProgressUpdate(step: come >> 20, total: all >> 20, unit: "MiB fetched"))))
      }, tell: { receive(.log($0)) })
    if let found { hub.emit(.nodeFetched(node: job.node, key: job.key, cache: found.cache)) }
    return found?.result
  }

  /// Seconds between two words about how far a transfer is.
  private static let progressInterval = 1.0

  /// - Returns: Why some caches do not have it.
  private func share(_ result: StoredResult) -> [String] {
    guard case .failed(let problems) = remotes.share(result, of: store, stop: stop) else { return [] }
    hub.emit(.notShared(node: job.node, key: result.key, problems))
    return problems
  }

  private enum LeaseOrEnding {
    case lease(Lease)
    case ending(Ending)
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
