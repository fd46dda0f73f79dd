import ArgumentParser
import FineTuningNodes
import Pipeline

/// `anneal worker`: performs one heavy node in a process of its own; started by `run`, or by a cluster's scheduler.
struct WorkerCommand: ParsableCommand {
  static let configuration = CommandConfiguration(
    commandName: "worker", abstract: "Performs one node; reads its job from standard input.", shouldDisplay: false)

  func run() throws {
    throw ExitCode(WorkerMain.run(registry: fineTuningNodes, check: fineTuningChecks))
  }
}
