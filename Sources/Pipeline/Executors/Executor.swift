/// Performs actions somewhere: in this process, in a worker process, on another machine.
package protocol Executor: Sendable {
  /// Performs an action and returns when it has ended. Called from a thread of the action's own.
  /// `log` is the path of the node's log file, to which lines are added; `stop` asks this attempt to stop.
  func execute(
    _ job: ActionJob, log: String, stop: Cancellation, report: @escaping NodeReport.Receiver
  ) -> ActionOutcome

  /// How many actions it performs side by side on other machines; nil for one whose actions take cores and memory of this
  /// one.
  var places: Int? { get }
  /// Gets ready for an action that will probably come soon.
  func prepare()
  /// Gives up what was got ready and not used.
  func dismiss()
}

extension Executor {
  package var places: Int? { nil }
  package func prepare() {}
  package func dismiss() {}
}

/// How an attempt at an action ended, and what it took.
package struct ActionOutcome: Sendable {
  /// The result that stands in the store.
  package var result: Result<StoredResult, ActionFailure>
  /// Whether the node made something else than what stood there from before.
  package var differs = false
  /// Highest resident memory in bytes while the work ran: of its worker, or of the whole process of the run for light work,
  /// which is done there; nil where the system does not tell.
  package var peakMemory: Int?
  /// Why remote caches that take results do not have this one.
  package var notShared: [String] = []

  package init(result: Result<StoredResult, ActionFailure>, differs: Bool = false, peakMemory: Int? = nil) {
    self.result = result
    self.differs = differs
    self.peakMemory = peakMemory
  }
}

/// Performs actions in the scheduler's own process, for light work.
package struct InProcessExecutor: Executor {
  private let runner: ActionRunner

  /// - Parameter helper: This program, or another one that is a guard of programs when it is asked to be.
  package init(
    store: Store, keeper: LeaseKeeper, remotes: RemoteCaches = RemoteCaches(), check: PublicationCheck,
    helper: [String] = ["/proc/self/exe"]
  ) {
    runner = ActionRunner(store: store, keeper: keeper, remotes: remotes, check: check, helper: helper)
  }

  package func execute(
    _ job: ActionJob, log: String, stop: Cancellation, report: @escaping NodeReport.Receiver
  ) -> ActionOutcome {
    var (outcome, peak) = MemoryMeter.process.measure {
      do throws(ActionFailure) {
        let (result, differs) = try runner.perform(job, cancellation: stop, report: report)
        return ActionOutcome(result: .success(result), differs: differs)
      } catch {
        return ActionOutcome(result: .failure(error))
      }
    }
    outcome.peakMemory = peak
    return outcome
  }
}
