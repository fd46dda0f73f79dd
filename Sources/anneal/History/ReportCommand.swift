import ArgumentParser
import Foundation
import Pipeline

/// `anneal report`: a run as one HTML page.
struct ReportCommand: ParsableCommand {
  static let configuration = CommandConfiguration(
    commandName: "report",
    abstract: "Makes one HTML page of a run: graph, times, curves, checks, data, numbers, sources.")

  @OptionGroup var workplace: Workplace

  @Argument(help: ArgumentHelp("A run's name, the beginning of one, or `last`.", valueName: "run"))
  var name = "last"

  @Option(name: .shortAndLong, help: "Where to write it; standard output unless given.")
  var output: String?

  func run() throws {
    try reportingProblems {
      let record = try workplace.history.run(name)
      Terminal.report(try RunMetrics(workplace.openedStore).lost(record))
      let page = try RunReport(record, workplace.history, workplace.openedStore).html()
      guard let output else { return Terminal.put(page) }
      try FileSystem().replace(output, Array(page.utf8), temporary: output + ".part")
      Terminal.put(output)
    }
  }
}
