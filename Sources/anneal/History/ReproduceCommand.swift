import ArgumentParser
import Diagnostics
import FineTuningNodes
import Foundation
import Glibc
import Pipeline
import PreciseJSON

/// `anneal reproduce`: makes a run's results again from its record, and compares them byte for byte.
struct ReproduceCommand: ParsableCommand {
  static let configuration = CommandConfiguration(
    commandName: "reproduce",
    abstract: "Makes the results of a run again, from nothing but its record and its files, and compares the bytes.")

  @OptionGroup var workplace: Workplace

  @Argument(help: ArgumentHelp("A run's name, the beginning of one, or `last`.", valueName: "run"))
  var name = "last"

  @Argument(help: "Nodes to make again, with what they are made from; everything that the run had when none is named.")
  var targets: [String] = []

  @Option(help: "Cores to use.")
  var cores: Int?

  @Flag(help: "Print JSON.")
  var json = false

  func validate() throws {
    if let cores, cores < 1 { throw ValidationError("`--cores` must be at least 1.") }
  }

  func run() throws {
    let cancellation = Cancellation()
    let watch = SignalWatch(cancellation)
    defer { withExtendedLifetime(watch) {} }
    var request: (record: RunRecord, pipeline: ResolvedPipeline)?
    try reportingProblems {
      let record = try workplace.history.run(name)
      let recorded = try RecordedPipeline(record, workplace.history)
      let resolved = try recorded.resolve(workplace.openedStore.sources)
      let changed = recorded.changedSources(resolved)
      if !changed.isEmpty { throw DiagnosticList(changed) }
      _ = try resolved.needed(targets)
      guard record.nodes.contains(where: { !$0.outputs.isEmpty }) else {
        throw Diagnostic(
          code: "nothing-recorded", "Run \(record.id) has no results to compare with",
          reason:
            "it \(record.isAbandoned ? "was killed" : "ended as `\(record.state.rawValue)`") before a node was done",
          advice: "`anneal run \(record.file)` makes them")
      }
      request = (record, resolved)
    }
    guard let (record, pipeline) = request else { return }
    try reportingProblems(code: 1) {
      watch.tolerate(2)
      try makeAgain(record, pipeline, cancellation)
    }
  }

  private func makeAgain(
    _ record: RunRecord, _ pipeline: ResolvedPipeline, _ cancellation: Cancellation
  ) throws {
    Terminal.report(Self.otherProgram(record))
    // A store of its own, so that nothing is found that is to be made.
    let folder = try Self.freshFolder(in: workplace.project + "/.anneal")
    defer { try? FileSystem().removeTree(folder) }
    var options = RunOptions()
    options.keepGoing = true
    if let cores { options.cores = cores }
    let had = record.nodes.filter { !$0.outputs.isEmpty }.map(\.name)
    options.targets = targets.isEmpty ? had.filter { pipeline.node($0) != nil } : targets
    let display: any EventSink = TerminalSink.isUsable(STDERR_FILENO) ? TerminalSink() : PlainSink { Terminal.say($0) }
    let run = RecordedRun(
      workplace: workplace, store: Store(path: folder), remotes: RemoteCaches(), sinks: [display], purpose: .reproduce)
    let summary = try run(pipeline, options, cancellation)
    let comparisons = summary.nodes.filter { $0.result != nil || $0.state == .failed }.map { node in
      Comparison(node, record.nodes.first { $0.name == node.name })
    }
    if json {
      Terminal.put(
        ([
          "run": JSON(record.id), "made_again_as": JSON(summary.id), "nodes": .array(comparisons.map(\.json)),
        ] as JSON).text(.pretty))
    } else {
      Terminal.put(
        table([["node", "time", "result"]] + comparisons.map { [$0.node, $0.seconds.map(duration) ?? "", $0.words] }))
    }
    if summary.exitCode != 0 { throw ExitCode(summary.exitCode) }
    if comparisons.contains(where: { !$0.isSame }) { throw ExitCode(1) }
  }

  /// A place for a store that is thrown away; those of processes that were killed go.
  static func freshFolder(in folder: String) throws -> String {
    let prefix = "reproduce-"
    for name in try FileSystem().names(in: folder) where name.hasPrefix(prefix) {
      if let process = pid_t(name.dropFirst(prefix.count)), kill(process, 0) != 0, errno == ESRCH {
        try? FileSystem().removeTree("\(folder)/\(name)")
      }
    }
    return "\(folder)/\(prefix)\(getpid())"
  }

  /// Warnings where another program or machine made the run.
  private static func otherProgram(_ record: RunRecord) -> [Diagnostic] {
    guard let now = try? MachineFacts.decisive() else { return [] }
    return now.compactMap { key, value in
      guard ["version", "kernels", "compute_auto"].contains(key), let before = record.environment[key],
        before != value
      else { return nil }
      return Diagnostic(
        .warning, code: "other-machine", "Run \(record.id) had `\(key)` \(plain(before)), here it is \(plain(value))",
        reason: "bytes are promised for the same program on the same class of processor")
    }
  }
}

extension ReproduceCommand {
  /// A node's outputs as they were recorded, and as they came out again.
  struct Comparison {
    let node: String
    let seconds: Double?
    /// The outputs that differ, with both digests.
    private let differing: [(port: String, old: Digest?, new: Digest?)]
    private let hasFailed: Bool

    init(_ record: NodeRecord, _ before: RunRecord.Node?) {
      node = record.name
      seconds = record.seconds
      hasFailed = record.state == .failed
      let now = record.result?.outputs.mapValues { $0.manifestBlob.digest } ?? [:]
      let old = Dictionary((before?.outputs ?? []).map { ($0.port, $0.manifest.digest) }) { first, _ in first }
      differing = Set(now.keys).union(old.keys).sorted().compactMap { port in
        old[port] == now[port] ? nil : (port, old[port], now[port])
      }
    }

    var isSame: Bool { !hasFailed && differing.isEmpty }

    var words: String {
      if hasFailed { return "failed" }
      if differing.isEmpty { return "the same bytes" }
      let ports = differing.map { port, old, new in
        guard let old else { return "`\(port)` was not made then" }
        return "`\(port)` was \(old.short), now \(new?.short ?? "nothing")"
      }
      return "differs: " + ports.joined(separator: ", ")
    }

    var json: JSON {
      [
        "name": JSON(node), "same": JSON(isSame), "seconds": seconds.map { JSON($0) } ?? .null,
        "differing": .array(
          differing.map { port, old, new in
            [
              "output": JSON(port), "recorded": old.map { JSON($0.hex) } ?? .null,
              "made": new.map { JSON($0.hex) } ?? .null,
            ]
          }),
      ]
    }
  }
}
