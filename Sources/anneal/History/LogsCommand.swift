import ArgumentParser
import Diagnostics
import Pipeline

/// `anneal logs`: what a node wrote into its log.
struct LogsCommand: ParsableCommand {
  static let configuration = CommandConfiguration(commandName: "logs", abstract: "Prints the log of a node.")

  @OptionGroup var workplace: Workplace

  @Argument(help: "The node.")
  var node: String

  @Option(
    name: .customLong("run"),
    help: "A run's name, the beginning of one, or `last`; unless given, the newest run in which the node did something."
  )
  var name: String?

  func run() throws {
    try reportingProblems {
      let history = workplace.history
      let record = try name.map(history.run) ?? newest(history)
      guard let text = try history.log(run: record.id, node: node) else {
        let known = try history.nodes(of: record)
        guard known.contains(node) else { throw UnknownTarget(target: node, nodes: known) }
        return Terminal.say("`\(node)` wrote no log in run \(record.id).")
      }
      Terminal.put(text.hasSuffix("\n") ? String(text.dropLast()) : text)
    }
  }

  /// The newest run in which the node wrote a log, else the newest of all.
  private func newest(_ history: RunHistory) throws -> RunRecord {
    let last = try history.run("last")
    let runs = try history.runs(pipeline: last.pipeline)
    return try runs.first { try history.log(run: $0.id, node: node) != nil } ?? last
  }
}
