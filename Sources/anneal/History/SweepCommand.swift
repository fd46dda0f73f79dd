import ArgumentParser
import Diagnostics
import FineTuningNodes
import Pipeline
import PreciseJSON

/// `anneal sweep`: what the members of a matrix came to.
struct SweepCommand: ParsableCommand {
  static let configuration = CommandConfiguration(
    commandName: "sweep", abstract: "Compares the members of a run's matrix: params and metrics, a row a member.")

  @OptionGroup var workplace: Workplace

  @Argument(help: ArgumentHelp("A run's name, the beginning of one, or `last`.", valueName: "run"))
  var name = "last"

  @Option(help: ArgumentHelp("Puts the best first by this number, such as `quality.loss`.", valueName: "node.metric"))
  var by: String?

  @Option(help: ArgumentHelp("Takes means over the members that differ in this param alone.", valueName: "param"))
  var over: String?

  @Option(help: "How to show it; `svg` draws members as lines over params and metrics.")
  var format = Format.text

  enum Format: String, ExpressibleByArgument, CaseIterable {
    case text
    case json
    case csv
    case svg
  }

  func run() throws {
    try reportingProblems {
      let record = try workplace.history.run(name)
      var sweep = try Sweep(record, RunMetrics(workplace.openedStore))
      guard !sweep.rows.isEmpty else {
        throw Diagnostic(
          code: "no-matrix", "Run \(record.id) of `\(record.pipeline)` has no matrix",
          advice: "give its pipeline one: `matrix: {grid: {learning_rate: [1e-4, 3e-4]}}`")
      }
      if let over {
        guard sweep.params.contains(over) else { throw unknown(over, sweep.params, "param of the matrix") }
        sweep.average(over: over)
      }
      if let by {
        guard let measure = sweep.measures.first(where: { $0.title == by }) else {
          throw unknown(by, sweep.measures.map(\.title), "metric of the members")
        }
        sweep.sort(by: measure, higherIsBetter: Sweep.higherIsBetter(measure.name))
      }
      switch format {
      case .text: Terminal.put(Self.text(sweep))
      case .json: Terminal.put(sweep.json.text(.pretty))
      case .csv: Terminal.put(sweep.csv)
      case .svg: Terminal.put(ParallelCoordinates(sweep, by: by).svg())
      }
    }
  }

  private static func text(_ sweep: Sweep) -> String {
    let counts = sweep.rows.contains { $0.count > 1 }
    return table(
      [sweep.params + (counts ? ["members"] : []) + sweep.measures.map(\.title)]
        + sweep.rows.map { row in
          row.values + (counts ? [String(row.count)] : []) + sweep.measures.map { sweep.text(row, $0) }
        })
  }
}
