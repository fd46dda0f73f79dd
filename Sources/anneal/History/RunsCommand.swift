import ArgumentParser
import Foundation
import Pipeline
import PreciseJSON

/// `anneal runs`: what ran here, newest first.
struct RunsCommand: ParsableCommand {
  static let configuration = CommandConfiguration(commandName: "runs", abstract: "Lists the runs of this project.")

  @OptionGroup var workplace: Workplace

  @Option(help: "Only runs of this pipeline.")
  var pipeline: String?

  @Option(help: "Only runs that ended so: done, failed, interrupted, killed; or running.")
  var state: String?

  @Option(
    name: .customLong("where"),
    help: ArgumentHelp(
      "Only runs whose param or number is so, such as `rate>=1e-4` or `quality.loss<2.5`; may be repeated.",
      valueName: "condition"))
  var conditions: [String] = []

  @Option(
    help: ArgumentHelp(
      "Params and numbers to show, such as `rate,quality.loss`; `all` shows every one.", valueName: "names"))
  var columns: String?

  @Option(help: ArgumentHelp("Puts the runs in the order of this param or number, the least first.", valueName: "name"))
  var sort: String?

  @Flag(help: "With `--sort`, the greatest first.")
  var descending = false

  @Flag(help: "Also runs that `blame` and `reproduce` made.")
  var all = false

  @Option(help: "At most this many.")
  var limit = 20

  @Flag(help: "Print JSON.")
  var json = false

  private static let states = ["done", "failed", "interrupted", "killed", "running"]

  func validate() throws {
    if limit < 1 { throw ValidationError("`--limit` must be at least 1.") }
    if let state, !Self.states.contains(state) {
      throw ValidationError("`--state` is one of [\(Self.states.joined(separator: ", "))], not `\(state)`.")
    }
    if descending, sort == nil { throw ValidationError("`--descending` has no effect without `--sort`.") }
  }

  func run() throws {
    try reportingProblems {
      let filters = try conditions.map(RunFilter.init)
      let history = workplace.history
      // What is left out by a condition does not count.
      let isPlain = filters.isEmpty && state == nil && sort == nil
      var runs = try history.runs(pipeline: pipeline, limit: isPlain ? limit : .max, isWhole: all)
      Terminal.report(try history.unreadable())
      if let state { runs = runs.filter { Self.state($0) == state } }
      let metrics = RunMetrics(workplace.openedStore)
      var found = try isPlain && columns == nil ? runs.map { RunColumns($0) } : runs.map { try RunColumns($0, metrics) }
      let known = found.reduce(into: [String]()) { names, run in names += run.names.filter { !names.contains($0) } }
      let shown =
        columns == "all" ? known : columns?.split(separator: ",").map { $0.trimmingCharacters(in: .whitespaces) } ?? []
      if !found.isEmpty {
        for name in filters.map(\.name) + shown + [sort].compactMap({ $0 }) where !known.contains(name) {
          throw unknown(name, known, "param or number of a run")
        }
      }
      found = found.filter { run in filters.allSatisfy { $0.fits(run) } }
      if let sort { found = RunColumns.sorted(found, by: sort, descending: descending) }
      found = Array(found.prefix(limit))
      if json {
        Terminal.put(JSON.array(found.map { $0.json(shown) }).text(.pretty))
        return
      }
      if found.isEmpty { return Terminal.say(emptyWords(isPlain)) }
      let purposes = found.contains { $0.run.purpose != nil }
      let head = ["run", "pipeline", "state", "ran", "cached", "failed", "time"] + (purposes ? ["for"] : [])
      let rows = found.map { columns -> [String] in
        let run = columns.run
        func count(_ state: NodeState) -> String { String(run.nodes.count { $0.state == state }) }
        let own = [
          run.id, run.pipeline, Self.state(run), count(.ran), count(.cached), count(.failed),
          run.seconds.map(duration) ?? "",
        ]
        return own + (purposes ? [run.purpose?.rawValue ?? ""] : []) + shown.map { columns[$0]?.text ?? "" }
      }
      Terminal.put(table([head + shown] + rows))
    }
  }

  private static func state(_ run: RunRecord) -> String { run.isAbandoned ? "killed" : run.state.rawValue }

  private func emptyWords(_ isPlain: Bool) -> String {
    if !isPlain { return "No run in this folder is so." }
    return pipeline.map { "No run of a pipeline `\($0)` is known in this folder." }
      ?? "Nothing has run in this folder yet."
  }
}
