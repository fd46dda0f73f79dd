import ArgumentParser

/// The program: its commands in groups, as `anneal --help` shows them.
@main
struct Anneal: ParsableCommand {
  static let configuration = CommandConfiguration(
    commandName: "anneal",
    abstract: "Fine-tunes language models on ordinary CPUs; an experiment is a file.",
    discussion: """
      Start with `anneal plan FILE`, which says what would run and why, and `anneal run FILE`.
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
        name: "Tools", subcommands: [TokenizeCommand.self, RenderCommand.self, InspectCommand.self, EnvCommand.self]),
    ])
}

/// The version that `--version` prints.
enum Version {
  static let text = "0.1.0"
}
