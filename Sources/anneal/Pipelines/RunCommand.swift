import ArgumentParser
import Diagnostics
import FineTuningNodes
import Foundation
import Glibc
import Pipeline
import PreciseJSON

/// `anneal run`: does what is to be done, and nothing else.
struct RunCommand: ParsableCommand {
  static let configuration = CommandConfiguration(
    commandName: "run", abstract: "Runs a pipeline: only what changed, everything else comes from the store.")

  @OptionGroup var pipeline: PipelineArguments
  @OptionGroup var workplace: Workplace

  @OptionGroup var caches: CacheArguments
  @OptionGroup var executor: ExecutorArguments

  @Argument(
    help:
      "Nodes to run, with what they are made from; all outputs when none is named. Behind LLaMA-Factory's files also key=value."
  )
  var targets: [String] = []

  @Flag(help: "Go on with what does not depend on a failed node.")
  var keepGoing = false

  @Option(help: "Run this node although its result is known; may be repeated.")
  var force: [String] = []

  @Option(help: "Cores to use.")
  var cores: Int?

  @Flag(help: "Print every event as a line of JSON on standard output.")
  var json = false

  @Option(
    help: ArgumentHelp(
      "Say when the run has ended, by `exec:COMMAND` or a POST to `http://HOST:PORT/PATH`; may be repeated.",
      valueName: "how"))
  var notify: [EndNotice] = []

  func validate() throws {
    if let cores, cores < 1 { throw ValidationError("`--cores` must be at least 1.") }
  }

  func run() throws {
    let cancellation = Cancellation()
    // Until the run begins there is nothing to save.
    let watch = SignalWatch(cancellation)
    defer { withExtendedLifetime(watch) {} }
    var request: (pipeline: ResolvedPipeline, options: RunOptions, remotes: RemoteCaches)?
    try reportingProblems {
      let (resolved, targets) = try pipeline.load(workplace, words: targets)
      var options = RunOptions()
      options.targets = targets
      options.forced = try known(force, in: resolved)
      options.keepGoing = keepGoing
      if let cores { options.cores = cores }
      // Before anything is recorded: a target that is not there is no run.
      _ = try resolved.needed(targets)
      try executor.check()
      request = (resolved, options, try caches.remotes(resolved, workplace))
    }
    guard let request else { return }
    // The request was right; from here on, what goes wrong is no fault of it.
    try reportingProblems(code: 1) {
      watch.tolerate(2)
      try run(request.pipeline, request.options, request.remotes, cancellation)
    }
  }

  private func run(
    _ resolved: ResolvedPipeline, _ options: RunOptions, _ remotes: RemoteCaches, _ cancellation: Cancellation
  ) throws {
    let store = workplace.openedStore
    let run = RecordedRun(
      workplace: workplace, store: store, remotes: remotes, sinks: [display],
      heavy: try executor.executor(workplace, remotes))
    let summary = try run(resolved, options, cancellation)
    remotes.reportTroubles()
    // Also of a run whose results cannot be shown.
    defer { for notice in notify { notice.send(EndNotice.Message(summary)) } }
    let shown = try ResultView(store: store, project: workplace.project).show(summary, of: resolved)
    try Placement.place(summary, of: resolved, store: store, project: workplace.project)
    if !json { conclude(summary, shown) }
    if summary.exitCode != 0 { throw ExitCode(summary.exitCode) }
  }

  private var display: any EventSink {
    if json { return JSONLinesSink { Terminal.put($0) } }
    if TerminalSink.isUsable(STDERR_FILENO) { return TerminalSink() }
    return PlainSink { Terminal.say($0) }
  }

  private func known(_ names: [String], in pipeline: ResolvedPipeline) throws -> Set<String> {
    for name in names where pipeline.node(name) == nil {
      throw UnknownTarget(target: name, nodes: pipeline.nodes.map(\.name))
    }
    return Set(names)
  }

  private func conclude(_ summary: RunSummary, _ shown: [(node: String, path: String)]) {
    func count(_ state: NodeState) -> String? {
      let names = summary.names(state)
      return names.isEmpty ? nil : "\(names.count) \(state.rawValue)"
    }
    let states: [NodeState] = [.ran, .cached, .failed, .blocked, .interrupted, .notStarted]
    let time = String(format: "%.2f s", summary.seconds)
    Terminal.say("run \(summary.id): \(states.compactMap(count).joined(separator: ", ")) in \(time)")
    let checked = summary.nodes.compactMap { node in node.result.map { (node.name, SanityFindings($0)) } }
    for line in SanityFindings.lines(checked) { Terminal.say(line) }
    let alone = summary.nodes.filter { !$0.notShared.isEmpty }
    if let first = alone.first {
      let names = alone.map { "`\($0.name)`" }.joined(separator: ", ")
      Terminal.say("not shared: \(names) (\(first.notShared.joined(separator: "; ")))")
    }
    if summary.state == .interrupted { Terminal.say("Run the same command again to go on.") }
    for (node, path) in shown { Terminal.put("\(node)\t\(shownPath(path))") }
  }
}
