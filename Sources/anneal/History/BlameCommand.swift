import ArgumentParser
import Diagnostics
import FineTuningNodes
import Glibc
import Pipeline
import PreciseJSON

/// `anneal blame`: which change between two runs moved a number, found by making one change at a time.
struct BlameCommand: ParsableCommand {
  static let configuration = CommandConfiguration(
    commandName: "blame",
    abstract:
      "Finds the change that moved a number: runs the older pipeline with one change of the newer one at a time.",
    discussion: """
      What is cached is not run again. Records of such runs are kept; `anneal runs --all` shows them, and none of them becomes `last`.
      """)

  @OptionGroup var workplace: Workplace

  @Argument(help: ArgumentHelp("The number, such as `quality.loss`.", valueName: "node.metric"))
  var metric: String

  @Argument(help: "The older run: a name, the beginning or ending of one, or `last`.")
  var old: String

  @Argument(help: "The newer run.")
  var new = "last"

  @Flag(help: "Say what would run for each change, and run nothing.")
  var plan = false

  @Flag(help: "Print JSON.")
  var json = false

  /// A change and what came of it.
  private struct Effect {
    var words: String
    var ran: Int?
    var value: Double?
    var problem: String?
  }

  func run() throws {
    let cancellation = Cancellation()
    let watch = SignalWatch(cancellation)
    defer { withExtendedLifetime(watch) {} }
    var found: (blame: Blame, node: String, name: String, values: (old: Double, new: Double))?
    try reportingProblems {
      let history = workplace.history
      let store = workplace.openedStore
      let (before, after) = (try history.run(old), try history.run(new))
      let metrics = RunMetrics(store)
      Terminal.report(try metrics.lost(before, after))
      let (node, name, value) = try value(in: after, metrics)
      let earlier = try self.value(in: before, metrics).value
      let blame = Blame(
        try RecordedPipeline(before, history), try RecordedPipeline(after, history), store.sources)
      found = (blame, node, name, (earlier, value))
    }
    guard let found else { return }
    try reportingProblems(code: 1) {
      watch.tolerate(2)
      let effects = try found.blame.changes.map { change in
        try effect(of: change, found.blame, found.node, found.name, cancellation)
      }
      report(effects, found.values)
      if cancellation.level != .none { throw ExitCode(75) }
    }
  }

  /// The number in a run: its node, its name in that node's metrics, and its value.
  private func value(
    in run: RunRecord, _ metrics: RunMetrics
  ) throws -> (node: String, name: String, value: Double) {
    var known: [String] = []
    for node in run.nodes {
      for number in try metrics.numbers(node) {
        let title = "\(node.name).\(number.name)"
        if title == metric { return (node.name, number.name, number.value) }
        known.append(title)
      }
    }
    throw unknown(metric, known, "number of run \(run.id)")
  }

  private func effect(
    of change: Blame.Change, _ blame: Blame, _ node: String, _ name: String, _ cancellation: Cancellation
  ) throws -> Effect {
    var effect = Effect(words: change.words)
    guard cancellation.level == .none else {
      effect.problem = "not run"
      return effect
    }
    let store = workplace.openedStore
    let pipeline: ResolvedPipeline
    do { pipeline = try blame.pipeline(with: [change]) } catch {
      effect.problem = "no pipeline: \(diagnostics(of: error).first?.summary ?? "")"
      return effect
    }
    guard pipeline.node(node) != nil else {
      effect.problem = "there is no `\(node)` then"
      return effect
    }
    if plan {
      let planned = try Planner(store: store).plan(pipeline, targets: [node])
      effect.ran = planned.willRun.count + planned.mayRun.count
      return effect
    }
    Terminal.say("with \(change.words):")
    let display: any EventSink = TerminalSink.isUsable(STDERR_FILENO) ? TerminalSink() : PlainSink { Terminal.say($0) }
    let run = RecordedRun(
      workplace: workplace, store: store, remotes: RemoteCaches(), sinks: [display], purpose: .blame)
    var options = RunOptions()
    options.targets = [node]
    let summary = try run(pipeline, options, cancellation)
    effect.ran = summary.names(.ran).count
    if summary.state == .done {
      let record = try workplace.history.run(summary.id)
      let made = try record.nodes.first { $0.name == node }.map(RunMetrics(store).numbers) ?? []
      effect.value = made.first { $0.name == name }?.value
    } else {
      effect.problem =
        summary.nodes.first { $0.state == .failed }.map { "`\($0.name)` failed: \($0.problems.first?.summary ?? "")" }
        ?? summary.state.rawValue
    }
    return effect
  }

  private func report(_ effects: [Effect], _ values: (old: Double, new: Double)) {
    let whole = values.new - values.old
    let known = effects.compactMap(\.value).map { $0 - values.old }
    let rest = effects.allSatisfy { $0.value != nil } ? whole - known.reduce(0, +) : nil
    if json {
      let object: JSON = [
        "metric": JSON(metric), "from": JSON(values.old), "to": JSON(values.new),
        "changes": .array(
          effects.map { effect in
            [
              "change": JSON(effect.words), "value": effect.value.map { JSON($0) } ?? .null,
              "effect": effect.value.map { JSON($0 - values.old) } ?? .null,
              "nodes_run": effect.ran.map { JSON($0) } ?? .null,
              "problem": effect.problem.map { JSON($0) } ?? .null,
            ]
          }),
        "together": rest.map { JSON($0) } ?? .null,
      ]
      return Terminal.put(object.text(.pretty))
    }
    if effects.isEmpty { return Terminal.put("Nothing changed between the pipelines of the two runs.") }
    if plan {
      return Terminal.put(
        table(
          [["change", "nodes to run"]]
            + effects.map { [$0.words, $0.problem ?? $0.ran.map(String.init) ?? ""] }))
    }
    var rows = [["change alone", metric, "effect"]]
    // The greatest effect first.
    let sorted = effects.enumerated().sorted { one, other in
      let (first, second) = (one.element.value, other.element.value)
      let sizes = (first.map { abs($0 - values.old) } ?? -1, second.map { abs($0 - values.old) } ?? -1)
      return sizes.0 == sizes.1 ? one.offset < other.offset : sizes.0 > sizes.1
    }.map(\.element)
    for effect in sorted {
      rows.append([
        effect.words, effect.value.map { EventWords.value($0, .plain) } ?? effect.problem ?? "",
        effect.value.map { Self.signed($0 - values.old) } ?? "",
      ])
    }
    if let rest, effects.count > 1 { rows.append(["what they do only together", "", Self.signed(rest)]) }
    rows.append(["all", EventWords.value(values.new, .plain), Self.signed(whole)])
    Terminal.put("\(metric) was \(EventWords.value(values.old, .plain))\n\n" + table(rows))
  }

  private static func signed(_ value: Double) -> String {
    value == 0 ? "0" : (value > 0 ? "+" : "−") + EventWords.value(abs(value), .plain)
  }
}
