import ArgumentParser
import Diagnostics
import Pipeline
import PreciseJSON

/// `anneal lineage`: what the results of a run were made from, for other tools.
struct LineageCommand: ParsableCommand {
  static let configuration = CommandConfiguration(
    commandName: "lineage",
    abstract: "Tells what the results of a run were made from, as OpenLineage events or an in-toto statement.")

  @OptionGroup var workplace: Workplace

  @Argument(help: ArgumentHelp("A run's name, the beginning of one, or `last`.", valueName: "run"))
  var name = "last"

  @Option(help: "`openlineage`: an event a line for each node; `in-toto`: a statement with SLSA's provenance.")
  var format = Format.openlineage

  enum Format: String, ExpressibleByArgument, CaseIterable {
    case openlineage
    case inToto = "in-toto"
  }

  func run() throws {
    try reportingProblems {
      let record = try workplace.history.run(name)
      let lineage = try RunLineage(
        record, workplace.history, workplace.openedStore, project: workplace.project)
      switch format {
      case .openlineage: for event in lineage.openLineage { Terminal.put(event.text()) }
      case .inToto:
        let lost = try RunMetrics(workplace.openedStore).lost(record).map { problem in
          var error = problem
          error.severity = .error
          return error
        }
        if !lost.isEmpty { throw DiagnosticList(lost) }
        Terminal.put(lineage.inToto.text(.pretty))
      }
    }
  }
}
