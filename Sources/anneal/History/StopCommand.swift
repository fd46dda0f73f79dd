import ArgumentParser
import Diagnostics
import Glibc
import Pipeline

/// `anneal stop`: asks a run to save and stop.
struct StopCommand: ParsableCommand {
  static let configuration = CommandConfiguration(
    commandName: "stop", abstract: "Asks a run to finish its steps, save and stop; running it again goes on from there."
  )

  @OptionGroup var target: RunningTarget

  @Flag(help: "Stop without saving; what was saved before is kept.")
  var now = false

  func run() throws {
    try reportingProblems {
      let run = try target.process()
      try run.signal(SIGTERM)
      if now {
        // Two signals at once would be one.
        usleep(200_000)
        try run.signal(SIGTERM)
      }
      Terminal.say(
        now ? "Run \(run.id) stops now." : "Run \(run.id) finishes its steps, saves and stops; run it again to go on.")
    }
  }
}

/// `anneal save`: asks a run to save checkpoints now and go on.
struct SaveCommand: ParsableCommand {
  static let configuration = CommandConfiguration(
    commandName: "save", abstract: "Asks a run to save checkpoints of what it trains now, and go on.")

  @OptionGroup var target: RunningTarget

  func run() throws {
    try reportingProblems {
      let run = try target.process()
      try run.signal(SIGUSR1)
      Terminal.say("Run \(run.id) saves after the step it is in.")
    }
  }
}

/// A run that is going on, by its name.
struct RunningTarget: ParsableArguments {
  @OptionGroup var workplace: Workplace

  @Argument(help: "A run's name, the beginning of one, or `last`.")
  var name = "last"

  /// - Throws: What is wrong with the name, and when the run is not going on here.
  func process() throws -> RunningProcess {
    let record = try workplace.history.run(name)
    guard record.state == .running, let owner = record.owner, !owner.isGone else {
      throw Diagnostic(
        code: "not-running", "Run \(record.id) is not running",
        reason: record.isAbandoned ? "its process is gone" : "it ended as `\(record.state.rawValue)`",
        advice: "`anneal runs` lists those that are")
    }
    guard owner.isOfThisMachine, let process = pid_t(exactly: owner.process) else {
      throw Diagnostic(
        code: "elsewhere", "Run \(record.id) is on another machine", reason: "it runs on `\(owner.host)`",
        advice: "give the command there")
    }
    return RunningProcess(id: record.id, process: process)
  }
}

/// The process of a run.
struct RunningProcess {
  let id: String
  let process: pid_t

  /// - Throws: A diagnostic when the system does not let it.
  func signal(_ number: Int32) throws {
    guard kill(process, number) != 0 else { return }
    throw Diagnostic(
      code: "no-signal", "Cannot signal run \(id), process \(process)",
      reason: errno == EPERM ? "it belongs to another user" : "it is gone")
  }
}
