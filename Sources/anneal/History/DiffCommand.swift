import ArgumentParser
import Diagnostics
import FineTuningNodes
import Pipeline
import PreciseJSON

/// `anneal diff`: what changed between two runs, and what came of it.
struct DiffCommand: ParsableCommand {
  static let configuration = CommandConfiguration(
    commandName: "diff", abstract: "Compares two runs: changed inputs, changed results, numbers and curves.")

  @OptionGroup var workplace: Workplace

  @Argument(help: "The run to compare with: a run's name, the beginning or ending of one, or `last`.")
  var old: String

  @Argument(help: "The run that is compared.")
  var new = "last"

  @Option(help: "How to show it; `svg` draws the curves of trainings over each other.")
  var format = Format.text

  enum Format: String, ExpressibleByArgument, CaseIterable {
    case text
    case json
    case svg
  }

  func run() throws {
    try reportingProblems {
      let history = workplace.history
      let (before, after) = (try history.run(old), try history.run(new))
      let metrics = RunMetrics(workplace.openedStore)
      Terminal.report(try metrics.lost(before, after))
      switch format {
      case .text: Terminal.put(try RunDifference(from: before, to: after, metrics).text)
      case .json: Terminal.put(try RunDifference(from: before, to: after, metrics).json.text(.pretty))
      case .svg:
        guard let picture = try Self.curves(before, after, metrics) else {
          throw Diagnostic(
            code: "no-curves", "No training of both runs has curves in the store",
            reason: "trainings are compared by the names of their nodes", advice: "`anneal diff \(old) \(new)`")
        }
        Terminal.put(picture)
      }
    }
  }

  /// The curves of trainings that both runs have, the older run's first.
  private static func curves(_ old: RunRecord, _ new: RunRecord, _ metrics: RunMetrics) throws -> String? {
    let names = old.nodes.map(\.name).filter { name in new.nodes.contains { $0.name == name } }
    let found = try names.flatMap { name in
      try [("A", old), ("B", new)].compactMap { letter, run -> (name: String, records: [JSON])? in
        guard let node = run.nodes.first(where: { $0.name == name }) else { return nil }
        let records = try metrics.steps(node)
        return records.isEmpty ? nil : (name: "\(letter) \(name)", records: records)
      }
    }
    return MeasureCurves.overlay(found)
  }
}
