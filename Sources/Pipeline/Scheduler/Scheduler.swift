import Glibc

/// Runs pipelines: decides about each node when its inputs are known, and performs what is to be done, side by side as
/// far as cores and memory allow.
///
/// One loop decides everything, in the calling thread; each running action has a thread of its own, which sends one
/// message when it has ended. Order of starting: the node with the longest way to the end of the pipeline first (by the
/// seconds of past runs, one second each where there are none), ties by name. One heavy node runs at a time and may use
/// all cores; light nodes fill in beside it, one a core.
package struct Scheduler: Sendable {
  package let store: Store
  let keeper: LeaseKeeper
  let remotes: RemoteCaches
  let light: any Executor
  let heavy: any Executor
  let expectations: Expectations
  let sinks: [any EventSink]
  let logPath: @Sendable (String) -> String
  let clock: Planner.Clock

  /// `worker` is the program and arguments of a worker process, this very program with `worker` when nil; `heavy`
  /// performs heavy nodes instead of worker processes (for tests); `logPath` tells where a node's log goes.
  package init(
    store: Store, check: PublicationCheck = PublicationCheck(), worker: [String]? = nil, heavy: (any Executor)? = nil,
    keeper: LeaseKeeper? = nil, remotes: RemoteCaches = RemoteCaches(),
    expectations: @escaping Expectations = { _, _ in [:] }, sinks: [any EventSink] = [],
    clock: @escaping Planner.Clock = wallClock, logPath: @escaping @Sendable (String) -> String
  ) {
    self.store = store
    self.keeper = keeper ?? LeaseKeeper(store: store)
    self.remotes = remotes
    light = InProcessExecutor(store: store, keeper: self.keeper, remotes: remotes, check: check)
    self.heavy = heavy ?? WorkerExecutor(store: store, remotes: remotes, program: worker)
    self.expectations = expectations
    self.sinks = sinks
    self.clock = clock
    self.logPath = logPath
  }

  /// Runs a pipeline and returns when nothing of it runs any more.
  ///
  /// Failures of nodes are in the summary.
  ///
  /// `id` is the run's name, such as ``RunHistory`` gives; `project` the folder whose run it is, and `purpose` the command
  /// that it is made for, for the garbage collector's count. Throws ``UnknownTarget``.
  package func run(
    _ pipeline: ResolvedPipeline, id: String, project: String, purpose: RunPurpose? = nil,
    options: RunOptions = RunOptions(), cancellation: Cancellation = Cancellation()
  ) throws -> RunSummary {
    signal(SIGPIPE, SIG_IGN)
    prepareSignals()
    let run = RunLoop(
      scheduler: self, pipeline: pipeline, needed: try pipeline.needed(options.targets), id: id, options: options,
      cancellation: cancellation)
    store.beginRoot(id, Store.RootHeader(pipeline: pipeline.name, project: project, purpose: purpose))
    defer { if !options.holdsResults { store.endRoot(id) } }
    return run.run()
  }
}
