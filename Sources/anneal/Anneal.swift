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
          RunCommand.self, SubmitCommand.self, PlanCommand.self, WhyCommand.self, ValidateCommand.self,
          ExpandCommand.self,
          GraphCommand.self, NodesCommand.self, SchemaCommand.self,
        ]),
      CommandGroup(
        name: "History",
        subcommands: [
          RunsCommand.self, ShowCommand.self, DiffCommand.self, BlameCommand.self, SweepCommand.self,
          ReportCommand.self, ReproduceCommand.self, LineageCommand.self, LogsCommand.self, StopCommand.self,
          SaveCommand.self,
        ]),
      CommandGroup(name: "Store", subcommands: [CacheCommand.self, PublishCommand.self, FetchCommand.self]),
      CommandGroup(name: "Use", subcommands: [ChatCommand.self]),
      CommandGroup(
        name: "Tools",
        subcommands: [
          InitCommand.self, TokenizeCommand.self, RenderCommand.self, InspectCommand.self, EnvCommand.self,
          DoctorCommand.self, ReportBugCommand.self, LanguageServerCommand.self,
        ]),
    ])

  static func main() {
    // First of all: what comes before is the loader's.
    if CommandLine.isOfARun { endOnSignals() }
    Terminal.holdStandardDescriptors()
    LastWords.prepare()
    prepareSignals()
    // Between a worker and a program of somebody else's, as little as possible.
    if CommandLine.arguments.dropFirst().first == GuardMain.word {
      Glibc.exit(GuardMain.run(Array(CommandLine.arguments.dropFirst(2))))
    }
    // The runtime reads them from /proc; without them every command would print the help.
    if CommandLine.arguments.isEmpty {
      Terminal.say("error: Cannot read the program's arguments: /proc/self/cmdline is not readable")
      Glibc.exit(1)
    }
    if let argument = CommandLine.argumentThatIsNoText {
      Terminal.say(
        "error: The argument `\(argument)` is not UTF-8 text; start `anneal` inside the folder of that name, "
          + "or give it another name with `ln -s`")
      Glibc.exit(2)
    }
    if let limit = openFiles, limit < leastOpenFiles {
      Terminal.say(
        "error: This process may have no more than \(limit) files open, and needs \(leastOpenFiles) (`ulimit -n`)")
      Glibc.exit(1)
    }
    do {
      var command = try parseAsRoot()
      try command.run()
      if Terminal.hasLostOutput { Glibc.exit(1) }
    } catch {
      // The parser's own code for a wrong command line is 64; here every request that is wrong is 2.
      guard exitCode(for: error) == .validationFailure else { exit(withError: error) }
      Terminal.say(fullMessage(for: error))
      Glibc.exit(2)
    }
  }
}

extension Anneal {
  /// What a run of a small pipeline takes; with fewer, libraries end the process without saying why.
  private static let leastOpenFiles = 24

  /// How many files this process may have open at once; nil where the system does not say.
  private static var openFiles: UInt? {
    var limit = rlimit()
    return getrlimit(__rlimit_resource_t(RLIMIT_NOFILE.rawValue), &limit) == 0 ? UInt(limit.rlim_cur) : nil
  }
}

extension CommandLine {
  /// Whether this process is a run or a worker of one, which may be asked to stop and be resumed.
  fileprivate static var isOfARun: Bool {
    guard argc > 1, let word = unsafeArgv[1] else { return false }
    return strcmp(word, "run") == 0 || strcmp(word, "worker") == 0
  }

  /// The first argument that is not UTF-8 text, as near as text comes to it.
  fileprivate static var argumentThatIsNoText: String? {
    (0..<Int(argc)).compactMap { unsafeArgv[$0] }.first { String(validatingCString: $0) == nil }
      .map { String(cString: $0) }
  }
}

/// The version that `--version` prints.
enum Version {
  static let text = "0.1.0"
}
