import Diagnostics
import Glibc
import PreciseJSON
import Threads

/// The main program of a job that was handed over with a whole pipeline: waits until the results that its node takes are
/// there, performs light nodes between, then the node, unless its result is there already.
///
/// Exit codes: 0 the result is in the store, 1 the node failed or cannot begin, 75 it stopped on request or gives its place
/// back, 2 the order makes no sense here.
package enum OrderMain {
  /// - Parameters:
  ///   - path: The order, with those of the other jobs and the pipeline beside it.
  ///   - machine: What the bytes of results hang on here.
  ///   - worker: The program and arguments of worker processes; this program's unless given.
  ///   - say: Takes lines about how it goes.
  package static func run(
    _ path: String, registry: NodeRegistry, check: PublicationCheck, machine: String, worker: [String]? = nil,
    say: @escaping @Sendable (String) -> Void
  ) -> Int32 {
    signal(SIGPIPE, SIG_IGN)
    prepareSignals()
    let cancellation = Cancellation()
    let watch = SignalWatch(cancellation)
    watch.tolerate(2)
    return withExtendedLifetime(watch) {
      let work: OrderedWork
      do {
        guard let bytes = try FileSystem().read(path) else { throw InvalidJob(reason: "there is no `\(path)`") }
        let order = try SubmissionOrder(json: JSON(parsing: bytes, file: path))
        work = try OrderedWork(
          order, in: parentFolder(of: path), registry: registry, check: check, machine: machine, worker: worker,
          cancellation: cancellation, say: say)
      } catch {
        say(diagnostics(of: error).rendered())
        return 2
      }
      return work.perform()
    }
  }
}

/// The work of one job.
private struct OrderedWork {
  private let order: SubmissionOrder
  private let store: Store
  private let remotes: RemoteCaches
  private let pipeline: ResolvedPipeline
  private let node: ResolvedNode
  private let scheduler: Scheduler
  private let cancellation: Cancellation
  private let say: @Sendable (String) -> Void

  /// Seconds between two looks for results of other jobs.
  private static let look = 2.0

  init(
    _ order: SubmissionOrder, in folder: String, registry: NodeRegistry, check: PublicationCheck, machine: String,
    worker: [String]?, cancellation: Cancellation, say: @escaping @Sendable (String) -> Void
  ) throws {
    guard order.machine == machine else {
      throw InvalidJob(reason: "it was made for \(order.machine), and here is \(machine)")
    }
    self.order = order
    store = Store(path: order.store)
    pipeline = try PipelineFile.resolve(
      YAMLText(path: "\(folder)/\(SubmissionOrder.pipelineName)"), registry: registry, sources: store.sources)
    guard let node = pipeline.node(order.node), node.planKey == order.planKey else {
      throw SubmissionError.outdated(node: order.node)
    }
    self.node = node
    var choice = try CacheChoice(json: order.caches)
    remotes = try choice.remotes()
    for warning in choice.warnings { say([warning].rendered()) }
    try store.files.makeFolder(order.logs)
    let logs = order.logs
    scheduler = Scheduler(
      store: store, check: check, worker: worker, remotes: remotes, sinks: [PlainSink(write: say)],
      logPath: { "\(logs)/\($0).log" })
    self.cancellation = cancellation
    self.say = say
  }

  func perform() -> Int32 {
    do {
      if let mark = failureMark(node.name) { try store.files.removeTree(mark) }
      let code = try performed()
      if code == 1 { markFailure() }
      return code
    } catch {
      say(diagnostics(of: error).rendered())
      markFailure()
      return 1
    }
  }

  /// Tells jobs that wait for this one that they wait in vain.
  ///
  /// Where that cannot be written they wait as long as they may.
  private func markFailure() {
    guard let mark = failureMark(node.name) else { return }
    try? store.files.makeFolder(parentFolder(of: mark))
    try? store.files.append(mark, [])
  }

  private func performed() throws -> Int32 {
    let start = steadyClock()
    var done: Set<String> = []
    while true {
      let plan = try Planner(store: store, remotes: remotes, madeSince: order.since).plan(
        pipeline, targets: [node.name])
      let unsettled = Set(plan.nodes.filter(\.isUnsettled).map(\.name)).subtracting([node.name])
      let pending = plan.nodes.filter { unsettled.contains($0.name) && $0.sameWorkAs == nil }.map(\.name)
      let light = pending.filter { name in
        guard let node = pipeline.node(name), node.execution == .inProcess, !done.contains(name) else { return false }
        return node.inputs.allSatisfy { !unsettled.contains($0.node) }
      }
      if !light.isEmpty {
        let summary = try run(light)
        guard summary.state == .done else { return summary.exitCode }
        done.formUnion(light)
        continue
      }
      // A light one that is done and still not there was taken away meanwhile: the run below makes it again.
      let missing = pending.filter { !done.contains($0) }
      guard !missing.isEmpty else { return try run([node.name]).exitCode }
      if cancellation.isRequested { return 75 }
      let failed = missing.filter { failureMark($0).map { ((try? store.files.status($0)) ?? nil) != nil } ?? false }
      guard failed.isEmpty else { throw SubmissionError.failedBefore(node: node.name, failed: failed) }
      guard steadyClock() - start < order.wait else {
        return try giveBack(
          missing.filter { name in pipeline.node(name)?.inputs.allSatisfy { !unsettled.contains($0.node) } ?? true })
      }
      pause(min(Self.look, order.wait / 4))
    }
  }

  /// Ends without the results of others: for a while, where jobs are started in any order.
  private func giveBack(_ missing: [String]) throws -> Int32 {
    guard let lifetime = order.lifetime, Double(wallClock() - order.since) / 1e9 < lifetime else {
      throw SubmissionError.missingInputs(node: node.name, of: missing)
    }
    say("waiting for results of [\(missing.joined(separator: ", "))]; another pod looks again")
    return 75
  }

  private func run(_ targets: [String]) throws -> RunSummary {
    var options = RunOptions()
    options.targets = targets
    options.cores = order.cores
    options.madeSince = order.since
    let summary = try scheduler.run(
      pipeline, id: order.submission, project: order.project, options: options, cancellation: cancellation)
    for trouble in remotes.troubles where trouble.failures > 0 {
      say("the cache `\(trouble.cache)` failed \(trouble.failures) times: \(trouble.reason)")
    }
    return summary
  }

  private func failureMark(_ node: String) -> String? {
    order.failures.map { "\($0)/\(Digest(of: node.utf8).hex.prefix(16))" }
  }
}
