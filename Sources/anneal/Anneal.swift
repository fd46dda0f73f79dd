import ArgumentParser
import Diagnostics
import Glibc
import Pipeline

/// The program: its commands in groups, as `anneal --help` shows them.
@main
struct Anneal: ParsableCommand {
  static let configuration = CommandConfiguration(
    commandName: "anneal",
    abstract: "Fine-tunes language models on ordinary CPUs; an experiment is a file.",
    discussion: """
      Start with `anneal init`, then `anneal plan FILE`, which says what would run and why, and `anneal run FILE`.
      Exit codes: 0 done, 1 a node failed, 2 the request is wrong, 75 interrupted and resumable.
      """,
    version: Version.text,
    subcommands: [WorkerCommand.self],
    groupedSubcommands: [
      CommandGroup(
        name: "Pipelines",
        subcommands: [
          RunCommand.self, PlanCommand.self, WhyCommand.self, ValidateCommand.self, GraphCommand.self,
          NodesCommand.self, SchemaCommand.self,
        ]),
      CommandGroup(name: "History", subcommands: [RunsCommand.self, ShowCommand.self, LogsCommand.self]),
      CommandGroup(name: "Store", subcommands: [CacheCommand.self]),
      CommandGroup(name: "Use", subcommands: [ChatCommand.self]),
      CommandGroup(
        name: "Tools",
        subcommands: [
          InitCommand.self, TokenizeCommand.self, RenderCommand.self, InspectCommand.self, EnvCommand.self,
        ]),
    ])

  static func main() {
    LastWords.prepare()
    prepareSignals()
    // The runtime reads them from /proc; without them every command would print the help.
    if CommandLine.arguments.isEmpty {
      Terminal.say("error: Cannot read the program's arguments: /proc/self/cmdline is not readable")
      Glibc.exit(1)
    }
    do {
      var command = try parseAsRoot()
      try command.run()
    } catch {
      // The parser's own code for a wrong command line is 64; here every request that is wrong is 2.
      guard exitCode(for: error) == .validationFailure else { exit(withError: error) }
      Terminal.say(fullMessage(for: error))
      Glibc.exit(2)
    }
  }
}

/// The version that `--version` prints.
enum Version {
  static let text = "0.1.0"
}
