import Diagnostics
import Dispatch
import FineTuningNodes
import Foundation
import Pipeline
import Synchronization
import TestKit
import Testing

/// Programs of one's own as nodes: what they see, what becomes of what they make, and what is said when they fail.
@Suite(.enabled(if: toyEngine() != nil, "ToyEngine, which guards the programs, is not built"))
struct ExecTests {
  /// A pipeline with one node `go` that runs a shell script, and what else is needed.
  private static func pipeline(_ fields: String = "", outputs: String = "{out: files}", others: String = "") -> String {
    """
    pipeline: p
    nodes:
      go: {type: exec, command: [sh, script.sh], files: [DIR/script.sh], outputs: \(outputs)\(fields)}
    \(others)
    """
  }

  private func workspace(_ script: String) throws -> TinyWorkspace {
    let workspace = try TinyWorkspace()
    try workspace.folder.write(
      script.replacing("DIR", with: workspace.folder.path) + "\n", to: "script.sh")
    return workspace
  }

  private func text(_ summary: RunSummary, _ workspace: TinyWorkspace, _ node: String, _ member: String) throws
    -> String
  {
    let artefact = try #require(
      summary[node]?.result?.outputs["out"], "\(summary.nodes.flatMap(\.problems).rendered())")
    return try String(contentsOfFile: ArtefactView(artefact, in: workspace.store).path(of: member), encoding: .utf8)
  }

  /// The one problem of node `go`.
  private func problem(_ script: String, _ fields: String = ", version: x", outputs: String = "{out: files}") throws
    -> (Diagnostic, TinyWorkspace)
  {
    let workspace = try workspace(script)
    let summary = try workspace.run(Self.pipeline(fields, outputs: outputs))
    #expect(summary.state == .failed)
    return (try #require(summary["go"]?.problems.first), workspace)
  }

  // MARK: What it leaves

  /// As Go and Nix leave folders that are only to be read; whoever runs this as root sees at least that it is published.
  @Test func foldersWithoutRightsArePublishedAndLeaveNothing() throws {
    let workspace = try workspace(
      "mkdir -p outputs/out/a/b && echo x > outputs/out/a/b/f && chmod 400 outputs/out/a/b/f\n"
        + "chmod 555 outputs/out/a/b outputs/out/a outputs/out\n"
        + "mkdir -p \"$TMPDIR/shut/in\" && touch \"$TMPDIR/$(printf '\\377')\" && chmod 0 \"$TMPDIR/shut\"")
    let summary = try workspace.run(Self.pipeline(", version: x"))
    #expect(try text(summary, workspace, "go", "a/b/f") == "x\n")
    #expect(try FileSystem().names(in: workspace.store.path + "/tmp").isEmpty)
    let statistics = try workspace.store.statistics()
    #expect(statistics.unseen.isEmpty && statistics.temporarySize == 0 && statistics.leftovers == 0)
  }

  @Test func aNameThatIsNoTextFailsTheNodeAndLeavesNothing() throws {
    let (problem, workspace) = try problem("touch \"outputs/out/$(printf '\\377')\"")
    #expect(problem.code == "name-not-utf8", "\(problem)")
    #expect(try FileSystem().names(in: workspace.store.path + "/tmp").isEmpty)
    _ = try GarbageCollection(grace: 0).collect(workspace.store)
  }

  // MARK: What it sees

  @Test func aProgramSeesItsFilesItsInputsAndNothingElse() throws {
    let workspace = try workspace(
      "env | cut -d= -f1 | sort > outputs/out/names; ls -A > outputs/out/here; cat inputs/rows/groups/* > /dev/null\n"
        + "ls -A \"$HOME\" \"$TMPDIR\" > outputs/out/empty; echo $GIVEN $1 $2 > outputs/out/said; cat data/a > outputs/out/a\n"
        + "echo spoken; printf 'a bar 1%%\\ra bar 100%%\\n'")
    try workspace.folder.write("A", to: "data/a")
    try workspace.folder.write("hidden", to: "data/.hidden")
    let summary = try workspace.run(
      """
      pipeline: p
      nodes:
        rows: {type: load_dataset, from: DIR/rows.jsonl}
        go:
          type: exec
          command: [sh, script.sh, "{inputs.rows}", "{{x}}{threads}"]
          files: [DIR/script.sh, DIR/data]
          inputs: {rows: rows}
          outputs: {out: files}
          environment: {GIVEN: "${here}"}
          version: 1
      params: {here: a value}
      """,
      options: {
        var options = RunOptions()
        options.cores = 3
        return options
      }())
    let names = try text(summary, workspace, "go", "names").split(separator: "\n").map(String.init)
    // The shell has some of its own.
    #expect(
      Set(names).subtracting(["PWD", "OLDPWD", "SHLVL", "_"]) == [
        "GIVEN", "HOME", "LANG", "PATH", "PYTHONUNBUFFERED", "TMPDIR",
      ])
    #expect(try text(summary, workspace, "go", "here") == "data\ninputs\noutputs\nscript.sh\n")
    #expect(try !text(summary, workspace, "go", "empty").contains("hidden"))
    #expect(try text(summary, workspace, "go", "said") == "a value inputs/rows {x}3\n")
    #expect(try text(summary, workspace, "go", "a") == "A")
    let log = try String(contentsOfFile: workspace.folder.path("go.log"), encoding: .utf8)
    #expect(log == "starts `sh script.sh inputs/rows {x}3`\nspoken\na bar 100%\n")
  }

  @Test func whatItSaysLastIsShown() throws {
    let workspace = try workspace("printf '\\033[31mstep 1\\033[0m of 2\\r'; sleep 1; echo > outputs/out/x")
    let collector = EventCollector()
    _ = try workspace.run(Self.pipeline(), sinks: [collector])
    let words = collector.events.flatMap { event -> [String] in
      if case .nodeReport = event { EventWords.lines(for: event) } else { [] }
    }
    #expect(words == ["go: step 1 of 2"])
  }

  @Test func inheritedVariablesAreSeenAndDecideNothing() throws {
    let workspace = try workspace("echo \"$TOY_INHERITED\" > outputs/out/said")
    setenv("TOY_INHERITED", "one", 1)
    defer { unsetenv("TOY_INHERITED") }
    let text = Self.pipeline(", inherit: [TOY_INHERITED, TOY_UNSET], version: x")
    let first = try workspace.run(text)
    #expect(try self.text(first, workspace, "go", "said") == "one\n")
    let log = try String(contentsOfFile: workspace.folder.path("go.log"), encoding: .utf8)
    #expect(log.contains("variables that are not set here: [TOY_UNSET]"))
    setenv("TOY_INHERITED", "two", 1)
    #expect(try workspace.run(text)["go"]?.state == .cached)
  }

  // MARK: What it makes

  @Test func linksIntoAnOutputBecomeFilesAndOthersAreRefused() throws {
    let workspace = try workspace(
      "mkdir outputs/out/deep; echo one > outputs/out/deep/a; ln -s deep/a outputs/out/b; ln outputs/out/deep/a hard")
    let summary = try workspace.run(Self.pipeline())
    #expect(try text(summary, workspace, "go", "b") == "one\n")
    #expect(try text(summary, workspace, "go", "deep/a") == "one\n")
    for (script, target) in [
      ("ln -s /etc/hostname outputs/out/b", "/etc/hostname"), ("ln -s nowhere outputs/out/b", "nowhere"),
      ("ln -s ../../script.sh outputs/out/b", "../../script.sh"), ("ln -s . outputs/out/b", "."),
    ] {
      let (problem, _) = try problem(script)
      #expect(problem.summary == "`b` in output `out` is a link to `\(target)`")
    }
    let (pipe, _) = try problem("mkfifo outputs/out/b")
    #expect(pipe.summary == "`b` in output `out` is neither a file nor a folder")
  }

  @Test func whatNoOutputIsDeclaredForIsTold() throws {
    let workspace = try workspace("echo > outputs/out/x; echo > outputs/more")
    let summary = try workspace.run(Self.pipeline())
    #expect(summary.state == .done)
    let log = try String(contentsOfFile: workspace.folder.path("go.log"), encoding: .utf8)
    #expect(log.contains("`outputs/more` is not kept: no output is declared by that name"))
  }

  @Test func aPEFTFolderIsAttachedAsIfItLayThere() throws {
    let workspace = try workspace("cp adapter/* outputs/adapter")
    let summary = try workspace.run(
      """
      pipeline: p
      nodes:
        base: {type: load_model, from: DIR/tiny, compute: f32}
        go:
          {type: exec, command: [sh, script.sh], files: [DIR/script.sh, DIR/adapter], outputs: {adapter: adapter, m: files},
           version: 1}
        made: {type: attach_adapter, model: base, adapter: go.adapter}
        given: {type: attach_adapter, model: base, from: DIR/adapter}
        merged: {type: merge, model: made}
      outputs: [merged, given]
      """.replacing(", m: files", with: ""))
    #expect(summary.state == .done, "\(summary.nodes.flatMap(\.problems).rendered())")
    #expect(summary["made"]?.result?.digests["model"] == summary["given"]?.result?.digests["model"])
  }

  // MARK: When it fails

  @Test func failuresSayHowAndWhatItWrote() throws {
    let (exit, workspace) = try problem("echo first; echo 'the last' >&2; exit 3")
    #expect(
      exit.rendered()
        == """
        error: `sh` ended with exit code 3
          why: its last lines were:
          first
          the last
          try: `anneal logs` shows all that it wrote; it sees `PATH` and what `environment` and `inherit` name, and no \
        other variables
        """)
    #expect(try FileManager.default.contentsOfDirectory(atPath: workspace.store.path + "/tmp").isEmpty)
    let (signal, _) = try problem("kill -SEGV $$")
    #expect(signal.summary == "`sh` was killed by signal SIGSEGV")
    #expect(signal.reason == "it wrote nothing")
    let (empty, _) = try problem("echo > outputs/ou")
    #expect(empty.summary == "The program ended well and made no output `out`")
    #expect(empty.reason == "`outputs/out` is empty; in `outputs` there are [ou]")
    let (file, _) = try problem("rmdir outputs/out; echo > outputs/out")
    #expect(file.summary == "A file stands at `outputs/out`, where the folder of an output was")
    let (link, _) = try problem("rmdir outputs/out; ln -s /etc outputs/out")
    #expect(link.summary == "A link stands at `outputs/out`, where the folder of an output was")
  }

  @Test func outputsOfAnotherTypeAreNotPublished() throws {
    let (none, _) = try problem("echo > outputs/out/adapter_config.json", outputs: "{out: adapter}")
    #expect(none.rendered().contains("output `out` is to be of type `adapter`"), "\(none.rendered())")
    let (metrics, _) = try problem("echo nan > outputs/out/metrics.json", outputs: "{out: metrics}")
    #expect(metrics.rendered().contains("output `out` is to be of type `metrics`"), "\(metrics.rendered())")
    let (folder, _) = try problem("echo > outputs/out/model.bin", outputs: "{out: folder}")
    #expect(folder.rendered().contains("output `out` is to be of type `folder`"), "\(folder.rendered())")
    let (named, _) = try problem("echo > outputs/out/loss.txt", outputs: "{out: metrics}")
    #expect(named.summary == "There is no file with measures in it")
  }

  @Test func programsThatAreNotThere() throws {
    let workspace = try workspace("")
    for (program, summary) in [
      ("no-such-program", "There is no program `no-such-program`"),
      ("./script.sh", "There is no program `./script.sh`"),
    ] {
      let text = Self.pipeline().replacing("[sh, script.sh]", with: "[\(program)]")
      #expect(try workspace.run(text)["go"]?.problems.first?.summary == summary)
    }
    try FileManager.default.setAttributes(
      [.posixPermissions: 0o755], ofItemAtPath: workspace.folder.path("script.sh"))
    try workspace.folder.write("#!/no/such/shell\n", to: "script.sh")
    let text = Self.pipeline().replacing("[sh, script.sh]", with: "[./script.sh]")
    let problem = try workspace.run(text)["go"]?.problems.first
    #expect(problem?.summary == "`./script.sh` did not start: No such file or directory")
  }

  @Test func aProgramThatIsTooSlowIsEnded() throws {
    let workspace = try workspace("echo $$ > DIR/process; sleep 1000")
    let summary = try workspace.run(Self.pipeline(", timeout: 0.5, grace: 0.2"))
    #expect(summary["go"]?.problems.first?.summary == "Node `go` took longer than its timeout of 0.5 s")
    #expect(try Processes(in: workspace.folder.path("process")).areGone)
  }

  // MARK: What changes while it runs

  @Test(arguments: ["script.sh", "data/a", "data/new"])
  func nothingIsPublishedOfFilesThatWereEdited(_ file: String) throws {
    let workspace = try workspace("cat data/a > outputs/out/a; echo '# edited' >> DIR/\(file)")
    try workspace.folder.write("A\n", to: "data/a")
    let text = Self.pipeline(", version: x").replacing("[DIR/script.sh]", with: "[DIR/script.sh, DIR/data]")
    let before = try Data(contentsOf: URL(fileURLWithPath: workspace.folder.path("script.sh")))
    let summary = try workspace.run(text)
    #expect(summary.state == .failed)
    let problem = try #require(summary["go"]?.problems.first)
    let name = file == "script.sh" ? file : "data"
    #expect(
      problem.summary.hasSuffix(
        "`\(workspace.folder.path(name))` changed while the node that reads it as `\(name)` was running"))
    // Everything is back as it was: there is no result to be found.
    try before.write(to: URL(fileURLWithPath: workspace.folder.path("script.sh")))
    try workspace.folder.write("A\n", to: "data/a")
    try? FileManager.default.removeItem(atPath: workspace.folder.path("data/new"))
    let plan = try Planner(store: workspace.store).plan(workspace.pipeline(text))
    #expect(plan.willRun.map(\.name) == ["go"])
  }

  @Test func nothingIsPublishedOfInputsThatWereWrittenTo() throws {
    let workspace = try workspace(
      "for file in inputs/given/*; do chmod u+w $(readlink $file); echo more >> $(readlink $file); done; echo > outputs/out/x"
    )
    try workspace.folder.write("echo made > outputs/out/text\n", to: "first.sh")
    let first =
      "  first: {type: exec, command: [sh, first.sh], files: [DIR/first.sh], outputs: {out: files}, version: 1}"
    let summary = try workspace.run(Self.pipeline(", version: x, inputs: {given: first}", others: first))
    #expect(summary["go"]?.state == .failed)
    #expect(summary["go"]?.result == nil)
    let log = try String(contentsOfFile: workspace.folder.path("go.log"), encoding: .utf8)
    #expect(log.contains("The program has written to its input `inputs/given/text`"))
    // The store is whole again.
    #expect(try workspace.run(Self.pipeline(others: first) + "\noutputs: [first]")["first"]?.state != .failed)
  }

  @Test func nothingIsPublishedOfModelsThatWereEditedWhereTheyLie() throws {
    let workspace = try workspace("echo ' ' >> DIR/tiny/config.json; echo > outputs/out/x")
    let model = "  base: {type: load_model, from: DIR/tiny, compute: f32}"
    let summary = try workspace.run(Self.pipeline(", version: x, inputs: {base: base}", others: model))
    #expect(summary.state == .failed)
    #expect(summary["go"]?.result == nil)
  }

  // MARK: Stopping

  private final class Outcome: Sendable {
    let result = Mutex<Result<RunSummary, any Error>?>(nil)
  }

  /// Runs a pipeline in a thread of its own, and asks it to stop once the script has made the file `ready`.
  private func stopped(_ workspace: TinyWorkspace, _ text: String) throws -> RunSummary {
    let cancellation = Cancellation()
    let (done, outcome) = (DispatchSemaphore(value: 0), Outcome())
    Thread.detachNewThread {
      let result = Result { try workspace.run(text, cancellation: cancellation) }
      outcome.result.withLock { $0 = result }
      done.signal()
    }
    for _ in 0..<2000 where !FileManager.default.fileExists(atPath: workspace.folder.path("ready")) { usleep(10_000) }
    cancellation.request()
    done.wait()
    return try #require(outcome.result.withLock { $0 }).get()
  }

  @Test func stoppingEndsItWithAllThatItStarted() throws {
    let workspace = try workspace(
      """
      trap '' TERM
      echo $$ >> DIR/process
      (trap '' TERM; sh -c 'echo $$ >> DIR/process; sleep 1000') &
      setsid sh -c 'echo $$ >> DIR/process; sleep 1000' &
      while [ $(wc -l < DIR/process) -lt 3 ]; do sleep 0.01; done
      touch DIR/ready
      sleep 1000
      """)
    #expect(try stopped(workspace, Self.pipeline(", grace: 0.3")).state == .interrupted)
    let processes = try Processes(in: workspace.folder.path("process"))
    #expect(processes.ids.count == 3)
    #expect(processes.areGone)
  }

  @Test func whatItLeavesRunningIsEnded() throws {
    let workspace = try workspace(
      "setsid sh -c 'echo $$ > DIR/process; exec sleep 1000' > /dev/null 2>&1 &\n"
        + "while [ ! -s DIR/process ]; do sleep 0.01; done; echo > outputs/out/x")
    #expect(try workspace.run(Self.pipeline()).state == .done)
    #expect(try Processes(in: workspace.folder.path("process")).areGone)
    let log = try String(contentsOfFile: workspace.folder.path("go.log"), encoding: .utf8)
    #expect(log.contains("processes that it had left running were ended"))
  }

  /// Asked to stop, it may save what it has; the next run finds it.
  @Test func aProgramGoesOnFromItsCheckpoints() throws {
    let workspace = try workspace(
      """
      if [ -f $1/saved ]; then cp $1/saved outputs/out/x; exit 0; fi
      trap 'echo half > $1/saved; exit 0' TERM
      touch DIR/ready
      while true; do sleep 0.02; done
      """)
    let text = Self.pipeline(", version: x").replacing("[sh, script.sh]", with: "[sh, script.sh, '{checkpoints}']")
    #expect(try stopped(workspace, text).state == .interrupted)
    let summary = try workspace.run(text)
    #expect(try self.text(summary, workspace, "go", "x") == "half\n")
  }
}

/// Processes whose numbers stand in a file, a line each.
struct Processes {
  let ids: [Int32]

  init(in file: String) throws {
    ids = try String(contentsOfFile: file, encoding: .utf8).split(separator: "\n").compactMap { Int32($0) }
  }

  /// Whether none of them is there any more, not as a zombie either, within two seconds.
  var areGone: Bool {
    for _ in 0..<200 {
      if ids.allSatisfy({ kill($0, 0) != 0 && errno == ESRCH }) { return true }
      usleep(10_000)
    }
    return false
  }
}
