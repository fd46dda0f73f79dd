import Foundation
import PreciseJSON
import TestKit
import Testing

/// What the command line promises whoever types it, typing errors included.
@Suite(.serialized) struct UsageTests {
  @Test(
    arguments: [
      "rum", "run", "run pipeline.yaml --cores 0", "run pipeline.yaml --cores two", "plan --jsn pipeline.yaml",
      "graph --format foo pipeline.yaml", "why pipeline.yaml", "cache lss", "cache gc --keep-runs -1", "logs",
      "runs --limit 0", "tokenize", "inspect", "render --tokenizer tiny", "nodes trian", "run nowhere.yaml", "run .",
      "run pipeline.yaml nothing", "run pipeline.yaml --force nothing", "why pipeline.yaml nothing", "show", "show x",
      "plan pipeline.yaml --set nodes.sft.epohs=3", "plan pipeline.yaml --set epochs", "inspect nowhere",
      "inspect data.jsonl",
    ])
  func aWrongRequestIsCodeTwo(_ line: String) throws {
    let project = try Project(rows: 1)
    let outcome = try project.start(line.split(separator: " ").map(String.init)).1()
    #expect(outcome.code == 2, "\(outcome.messages)")
    #expect(!outcome.messages.isEmpty)
    #expect(outcome.output.isEmpty)
    #expect(!FileManager.default.fileExists(atPath: project.folder.path(".anneal")), "a run that never was is recorded")
  }

  /// The commands that `anneal --help` lists, and those of `anneal cache`.
  private static func commands(_ project: Project) throws -> [String] {
    func names(_ text: String) -> [String] {
      text.split(separator: "SUBCOMMANDS:").dropFirst().flatMap { $0.split(separator: "\n") }
        .filter { $0.hasPrefix("  ") && !$0.hasPrefix("   ") }
        .compactMap { $0.split(separator: " ").first.map(String.init) }
        .filter { $0 != "See" }
    }
    let all = names(try project.anneal("--help").output)
    return all + names(try project.anneal("cache", "--help").output).map { "cache " + $0 }
  }

  @Test func everyCommandHasHelpAndAPlaceInTheManual() throws {
    let project = try Project(rows: 1)
    let commands = try Self.commands(project)
    #expect(commands.count > 15, "\(commands)")
    let manual = try String(contentsOfFile: Project.repository + "/docs/cli.md", encoding: .utf8)
    for command in commands {
      let help = try project.start(command.split(separator: " ").map(String.init) + ["--help"]).1()
      #expect(help.code == 0 && help.output.contains("USAGE: anneal \(command)"), "\(command)")
      if command != "cache" { #expect(manual.contains("anneal \(command)"), "docs/cli.md has no `anneal \(command)`") }
    }
  }

  @Test func anEmptyFolderHasNoRuns() throws {
    let project = try Project(rows: 1)
    let outcome = try project.anneal("runs")
    #expect(outcome.code == 0 && outcome.messages == "Nothing has run in this folder yet.\n")
    #expect(try project.anneal("runs", "--json").output == "[]\n")
    #expect(try project.anneal("cache", "ls").code == 0)
  }

  @Test func readingCommandsPrintJSON() throws {
    let project = try Project(rows: 12)
    try project.edit("epochs: 3", "max_steps: 1")
    #expect(try project.anneal("run", "pipeline.yaml").code == 0)
    let key = try #require(try project.shown()["nodes"]?.array?.first?["key"]?.string)
    for line in [
      "plan pipeline.yaml", "why pipeline.yaml sft", "validate pipeline.yaml", "nodes", "nodes train", "runs", "show",
      "cache ls", "cache stats", "cache verify", "cache gc --plan", "inspect tiny", "inspect tiny/model.safetensors",
      "inspect \(key.prefix(12))", "inspect results/tiny/release", "env",
    ] {
      let outcome = try project.start((line + " --json").split(separator: " ").map(String.init)).1()
      #expect(outcome.code == 0, "\(line): \(outcome.messages)")
      #expect(throws: Never.self, "\(line)") { try JSON(parsing: outcome.output) }
      #expect(outcome.messages.isEmpty, "\(line): \(outcome.messages)")
    }
    #expect(throws: Never.self) { try JSON(parsing: try project.anneal("schema").output) }
    let rows = try project.anneal("render", "--tokenizer", "tiny", "--dataset", "data.jsonl", "--json").output
    for row in rows.split(separator: "\n") { #expect(try JSON(parsing: String(row))["labels"]?.array != nil) }
  }

  @Test func rowsOfWhichNothingIsLearnedAreShown() throws {
    let project = try Project(rows: 12)
    func row(_ answer: String, _ mark: String = "") -> String {
      #"{"messages":[{"role":"user","content":"hi"},{"role":"assistant","content":"\#(answer)"\#(mark)}]}"# + "\n"
    }
    try project.folder.write(row("yes") + row("never", #","loss":false"#), to: "off.jsonl")
    let shown = try project.anneal("render", "--tokenizer", "tiny", "--dataset", "off.jsonl")
    #expect(shown.code == 0 && shown.output.contains("never"))
    #expect(
      shown.messages.contains(
        """
        off.jsonl, row 2: warning: A run leaves 1 row out
          why: nothing in them is learned
        """), "\(shown.messages)")
    let lines = try project.anneal("render", "--tokenizer", "tiny", "--dataset", "off.jsonl", "--json").output
      .split(separator: "\n").map { try JSON(parsing: String($0)) }
    #expect(lines.map { $0["row"]?.int } == [1, 2])
    #expect(lines.last?["labels"]?.array?.allSatisfy { $0.int == -100 } == true)
    for option in ["--limit", "--max-length"] {
      let refused = try project.anneal("render", "--tokenizer", "tiny", "--dataset", "off.jsonl", option, "0")
      #expect(refused.code == 2 && refused.messages.contains("`\(option)` must be at least 1."), "\(refused.messages)")
    }
  }

  @Test func columnsThatTravelAreShown() throws {
    let project = try Project(rows: 12)
    try project.folder.write(
      #"{"question":"hi","answer":{"n":1.50}}"# + "\n" + #"{"question":"ho"}"# + "\n", to: "asked.jsonl")
    let options = ["render", "--tokenizer", "tiny", "--dataset", "asked.jsonl", "--keep-column", "answer"]
    let shown = try project.start(options).1()
    #expect(shown.code == 0 && shown.output.hasPrefix(#"row 1, prompt, with {"answer":{"n":1.50}}:"# + "\n"))
    #expect(shown.output.contains("\nrow 2, prompt:\n"), "\(shown.output)")
    #expect(
      shown.messages.contains("columns that travel with the prompts: `answer` (1 row)")
        && shown.messages.contains("asked.jsonl, row 2: warning: Column `answer` is absent or null in 1 row"),
      "\(shown.messages)")
    let lines = try project.start(options + ["--json"]).1().output.split(separator: "\n").map {
      try JSON(parsing: String($0))
    }
    #expect(lines.map { $0["columns"]?.text() } == [#"{"answer":{"n":1.50}}"#, nil])
  }

  @Test func aReaderThatLeavesStopsNothing() throws {
    let project = try Project(rows: 12)
    try project.edit("epochs: 3", "max_steps: 1")
    let shell = Process()
    shell.executableURL = URL(fileURLWithPath: "/bin/sh")
    shell.arguments = [
      "-c", "{ \"$0\" run pipeline.yaml --json; echo $? > code; } | head -n 1 > first", Project.program,
    ]
    shell.currentDirectoryURL = URL(fileURLWithPath: project.folder.path)
    shell.environment = ProcessInfo.processInfo.environment.merging(["ANNEAL_STORE": project.folder.path("store")]) {
      $1
    }
    try shell.run()
    shell.waitUntilExit()
    #expect(try String(contentsOfFile: project.folder.path("code"), encoding: .utf8) == "0\n")
    #expect(try project.states()["release"] == "ran")
  }

  @Test func theLogOfANodeIsTheOneOfItsLastWork() throws {
    let project = try Project(rows: 12)
    try project.edit("epochs: 3", "max_steps: 1")
    #expect(try project.anneal("run", "pipeline.yaml").code == 0)
    #expect(try project.anneal("run", "pipeline.yaml").code == 0)
    #expect(try project.anneal("logs", "rows").output.contains("12 rows"))
    #expect(try project.anneal("logs", "rows", "--run", "last").messages.contains("wrote no log"))
  }

  @Test func aStoreThatIsAFileIsNamed() throws {
    let project = try Project(rows: 1)
    try project.folder.write("", to: "store")
    let outcome = try project.anneal("cache", "ls")
    #expect(outcome.messages.contains("a file stands where a folder should be"), "\(outcome.messages)")
  }

  @Test func marksAndLineEndsOfOtherSystemsAreRead() throws {
    let project = try Project(rows: 1)
    let rows = (1...5).map { #"{"prompt":"\#($0)","completion":"\#($0)"}"# }
    let mark = "\u{FEFF}"
    try project.folder.write(mark + "[" + rows.joined(separator: ",\r\n") + "]", to: "marked.json")
    try project.folder.write(mark + rows.joined(separator: "\r\n") + "\r\n", to: "marked.jsonl")
    try project.folder.write(rows.joined(separator: "\n"), to: "数据 ü.jsonl")
    for file in ["marked.json", "marked.jsonl", "数据 ü.jsonl"] {
      let outcome = try project.anneal("run", "pipeline.yaml", "chat", "--set", "nodes.rows.from=\(file)")
      #expect(outcome.code == 0, "\(file): \(outcome.messages)")
      #expect(try project.anneal("logs", "rows").output.contains("5 rows"), "\(file)")
    }
  }

  /// A folder whose name is no text is a folder to work in.
  @Test func foldersOfAnyNameAreWorkedIn() throws {
    let project = try Project(rows: 8)
    try project.edit("epochs: 3", "max_steps: 1")
    try project.edit("release: {type: export,", "release: {type: export, to: out,")
    let shell = Process()
    shell.executableURL = URL(fileURLWithPath: "/bin/sh")
    shell.arguments = [
      "-c",
      """
      place=$(printf 'caf\\351') && mkdir "$place" && mv pipeline.yaml data.jsonl tiny "$place" && cd "$place" || exit 9
      for command in 'validate pipeline.yaml' 'run pipeline.yaml' 'plan pipeline.yaml' 'show' 'logs sft' 'runs' \
        'run pipeline.yaml' 'inspect tiny' 'render --tokenizer tiny --dataset data.jsonl' 'run pipeline.yaml --store store'; do
        echo "> $command"; "$0" $command || echo "command failed: $?"
      done
      test -e results/tiny/release/config.json && test -e out/config.json && echo all there
      cd .. && "$0" validate "$place/pipeline.yaml"; echo "code $?"
      """, Project.program,
    ]
    shell.currentDirectoryURL = URL(fileURLWithPath: project.folder.path)
    shell.environment = ProcessInfo.processInfo.environment
      .merging(["ANNEAL_STORE": project.folder.path("store"), "NO_COLOR": "1"]) { $1 }
    let pipe = Pipe()
    shell.standardOutput = pipe
    shell.standardError = pipe
    try shell.run()
    let output = String(decoding: pipe.fileHandleForReading.readDataToEndOfFile(), as: UTF8.self)
    shell.waitUntilExit()
    #expect(!output.contains("command failed"), "\(output)")
    #expect(output.contains("all there"), "\(output)")
    #expect(output.contains("release\tresults/tiny/release\n"), "\(output)")
    #expect(output.contains("10 cached"), "\(output)")
    #expect(output.hasSuffix("code 2\n"), "\(output)")
    #expect(output.contains("error: The argument `caf\u{FFFD}/pipeline.yaml` is not UTF-8 text"), "\(output)")
  }

  /// From the first line of the program on a request to stop ends in 75; what comes before is the loader's.
  @Test(
    .enabled(if: FileManager.default.isExecutableFile(atPath: "/usr/bin/strace"), "there is no strace"),
    arguments: ["run pipeline.yaml rows", "worker"])
  func requestsToStopAreCaughtBeforeAllElse(_ command: String) throws {
    let project = try Project(rows: 2)
    let shell = Process()
    shell.executableURL = URL(fileURLWithPath: "/bin/sh")
    shell.arguments = [
      "-c", "strace -f -qq -o trace -e trace=rt_sigaction \"$0\" \(command) </dev/null >/dev/null 2>&1",
      Project.program,
    ]
    shell.currentDirectoryURL = URL(fileURLWithPath: project.folder.path)
    shell.environment = ProcessInfo.processInfo.environment.merging(["ANNEAL_STORE": project.folder.path("store")]) {
      $1
    }
    try shell.run()
    shell.waitUntilExit()
    let lines = try String(contentsOfFile: project.folder.path("trace"), encoding: .utf8).split(separator: "\n")
    func first(_ signal: String) throws -> Int { try #require(lines.firstIndex { $0.contains("(\(signal), {") }) }
    // SIGXFSZ is the first that the program cares for otherwise.
    #expect(try first("SIGTERM") < first("SIGXFSZ") && first("SIGINT") < first("SIGXFSZ"))
  }

  /// With too few, libraries would end the process in a way of their own.
  @Test(arguments: [4, 5, 23]) func tooFewOpenFilesAreNamed(_ limit: Int) throws {
    let project = try Project(rows: 2)
    let shell = Process()
    shell.executableURL = URL(fileURLWithPath: "/bin/sh")
    shell.arguments = [
      "-c", "exec >out 2>&1 </dev/null; ulimit -n \(limit); exec \"$0\" run pipeline.yaml rows", Project.program,
    ]
    shell.currentDirectoryURL = URL(fileURLWithPath: project.folder.path)
    try shell.run()
    shell.waitUntilExit()
    #expect(shell.terminationStatus == 1)
    #expect(
      try String(contentsOfFile: project.folder.path("out"), encoding: .utf8)
        == "error: This process may have no more than \(limit) files open, and needs 24 (`ulimit -n`)\n")
  }

  @Test func aProcessorThatIsNotKnownIsFoundBeforeTheRun() throws {
    let project = try Project(rows: 2)
    let outcome = try project.anneal("validate", "pipeline.yaml", environment: ["ANNEAL_CPU": "AVX2"])
    #expect(outcome.code == 2 && outcome.messages.contains("`AVX2`"), "\(outcome.messages)")
    #expect(outcome.messages.contains("at `nodes.model.compute`"), "\(outcome.messages)")
  }
}
