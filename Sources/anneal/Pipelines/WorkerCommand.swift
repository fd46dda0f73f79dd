import ArgumentParser
import FineTuningNodes
import Pipeline

/// `anneal worker`: performs one heavy node in a process of its own; started by `run`, or by a cluster's scheduler.
struct WorkerCommand: ParsableCommand {
  static let configuration = CommandConfiguration(
    commandName: "worker", abstract: "Performs one node; reads its job from standard input.", shouldDisplay: false)

  @Option(help: "The folder of a job on a cluster, where its description lies and its words go.")
  var folder: String?

  @Option(help: "What a job of a whole pipeline that was handed over is to do.")
  var order: String?

  func run() throws {
    // Without arithmetic there is no machine that a job was made for.
    let machine = (try? MachineFacts.arithmetic) ?? "a machine whose kernels cannot be chosen"
    if let order {
      throw ExitCode(
        OrderMain.run(order, registry: fineTuningNodes, check: fineTuningChecks, machine: machine) { Terminal.say($0) })
    }
    throw ExitCode(
      WorkerMain.run(registry: fineTuningNodes, check: fineTuningChecks, folder: folder, machine: machine))
  }
}
