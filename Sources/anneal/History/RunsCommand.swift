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

  @Option(help: "At most this many.")
  var limit = 20

  @Flag(help: "Print JSON.")
  var json = false

  func validate() throws {
    if limit < 1 { throw ValidationError("`--limit` must be at least 1.") }
  }

  func run() throws {
    try reportingProblems {
      let runs = try workplace.history.runs(pipeline: pipeline, limit: limit)
      Terminal.report(try workplace.history.unreadable())
      if json {
        Terminal.put(JSON.array(runs.map(\.json)).text(.pretty))
        return
      }
      if runs.isEmpty {
        return Terminal.say(
          pipeline.map { "No run of a pipeline `\($0)` is known in this folder." }
            ?? "Nothing has run in this folder yet.")
      }
      Terminal.put(
        table(
          [["run", "pipeline", "state", "ran", "cached", "failed", "time"]]
            + runs.map { run in
              func count(_ state: NodeState) -> String { String(run.nodes.count { $0.state == state }) }
              return [
                run.id, run.pipeline, run.isAbandoned ? "killed" : run.state.rawValue, count(.ran), count(.cached),
                count(.failed), run.seconds.map(duration) ?? "",
              ]
            }))
    }
  }
}
