import Diagnostics
import FineTuningNodes
import Foundation
import Pipeline
import TestKit
import Testing

/// When a program runs again, and what is said of it before.
@Suite(.enabled(if: toyEngine() != nil, "ToyEngine, which guards the programs, is not built"))
struct ExecKeyTests {
  private static let hour = Int64(3_600_000_000_000)

  private func workspace(_ script: String = "echo made > outputs/out/x") throws -> TinyWorkspace {
    let workspace = try TinyWorkspace()
    try workspace.folder.write(script.replacing("DIR", with: workspace.folder.path) + "\n", to: "script.sh")
    return workspace
  }

  /// Node `go` runs the script, and `below` takes what it makes.
  private func text(_ fields: String) -> String {
    """
    pipeline: p
    nodes:
      go: {type: exec, command: [sh, script.sh], files: [DIR/script.sh], outputs: {out: files}\(fields)}
      below: {type: exec, command: [sh, -c, 'cat inputs/made/* > outputs/out/x'], inputs: {made: go}, outputs: {out: files},
              version: 1}
    """
  }

  private func states(_ summary: RunSummary) -> [String] {
    ["go", "below"].map { summary[$0]?.state.rawValue ?? "" }
  }

  private func decisions(_ plan: Plan) -> [String] {
    plan.nodes.map { node in
      switch node.decision {
      case .cached: "cached" + (node.freshness.map { ": \($0.words)" } ?? "")
      case .fetch: "fetch"
      case .run(let reason, _), .runOnceKnown(let reason, _): "runs: \(reason.words)"
      case .runUnlessUnchanged(let upstream, let hasPast): hasPast ? "unless \(upstream)" : "runs"
      }
    }
  }

  private static let unversioned = "runs: it has no version, so nothing tells whether its last result still holds"

  @Test func withoutAVersionItRunsEachTimeAndCutsOffBelow() throws {
    let workspace = try workspace()
    let text = text("")
    #expect(states(try workspace.run(text)) == ["ran", "ran"])
    let planner = Planner(store: workspace.store)
    #expect(decisions(try planner.plan(workspace.pipeline(text))) == [Self.unversioned, "unless [\"go\"]"])
    #expect(states(try workspace.run(text)) == ["ran", "cached"])
    let collector = EventCollector()
    try workspace.folder.write("echo other > outputs/out/x; date +%N >> outputs/out/x\n", to: "script.sh")
    #expect(states(try workspace.run(text)) == ["ran", "ran"])
    // Other bytes than before are what it runs for.
    #expect(states(try workspace.run(text, sinks: [collector])) == ["ran", "ran"])
    #expect(!collector.events.contains { if case .differs = $0 { true } else { false } })
  }

  @Test func twoNodesOfTheSameWorkRunOnce() throws {
    let workspace = try workspace("echo x >> DIR/count; echo > outputs/out/x")
    let node = "{type: exec, command: [sh, script.sh], files: [DIR/script.sh], outputs: {out: files}}"
    let summary = try workspace.run("pipeline: p\nnodes:\n  a: \(node)\n  b: \(node)\n")
    #expect(summary.state == .done)
    #expect(try String(contentsOfFile: workspace.folder.path("count"), encoding: .utf8) == "x\n")
  }

  @Test func aVersionCommandIsPartOfTheKey() throws {
    let workspace = try workspace()
    try workspace.folder.write("1.0", to: "version")
    let text = text(", version_command: [sh, -c, 'cat DIR/version']")
    #expect(states(try workspace.run(text)) == ["ran", "ran"])
    #expect(states(try workspace.run(text)) == ["cached", "cached"])
    let old = try workspace.pipeline(text).node("go")?.planPreimage
    try workspace.folder.write("1.1\n", to: "version")
    let new = try workspace.pipeline(text).node("go")?.planPreimage
    let differences = try #require(new).difference(from: try #require(old)).map(\.sentence)
    #expect(differences == ["`version_command` says 1.1 where it said 1.0"])
    #expect(states(try workspace.run(text)) == ["ran", "cached"])
    // Whoever only looks at a file has nothing started.
    try FileManager.default.removeItem(atPath: workspace.folder.path("version"))
    let text2 = text.replacing("DIR", with: workspace.folder.path)
    _ = try PipelineFile.load(
      text: text2, file: "p.yaml", registry: fineTuningNodes, sources: UnaskedSources(workspace.store.sources))
  }

  @Test func aVersionThatChangesWhileItRunsIsNotPublished() throws {
    let workspace = try workspace("echo 2 > DIR/version; echo > outputs/out/x")
    try workspace.folder.write("1", to: "version")
    let summary = try workspace.run(text(", version_command: [sh, -c, 'cat DIR/version']"))
    #expect(summary["go"]?.state == .failed)
    #expect(
      summary["go"]?.problems.first?.reason == "it said `1` and says `2` now: the result would belong to neither")
  }

  @Test(
    "A version that nobody tells, at its place",
    arguments: [
      (
        "[sh, -c, 'echo so >&2; exit 4']", "`version_command` ended with exit code 4",
        "`sh -c echo so >&2; exit 4` wrote: so"
      ),
      ("[sh, -c, 'kill -9 $$']", "`version_command` was killed by signal SIGKILL", "`sh -c kill -9 $$` wrote nothing"),
      ("['true']", "`version_command` ended without an answer", "`true` wrote nothing to its standard output"),
      ("[sh, -c, 'yes']", "`version_command` wrote more than 65536 bytes", "`sh -c yes` was ended"),
      (
        "[./here]", "`version_command` does not start: there is no program `./here`",
        "it is asked in an empty folder, where no relative path leads anywhere"
      ),
    ])
  func badVersions(_ command: String, _ summary: String, _ reason: String) throws {
    let workspace = try workspace()
    let error = #expect(throws: DiagnosticList.self) {
      _ = try workspace.pipeline(text(", version_command: \(command)"))
    }
    let problem = try #require(error?.diagnostics.first)
    #expect((problem.summary, problem.reason) == (summary, reason))
    #expect((problem.place?.line, problem.path) == (3, "nodes.go.version_command"))
  }

  // MARK: Freshness

  @Test func aResultIsFreshForAsLongAsItIsSaid() throws {
    let workspace = try workspace()
    let text = text(", fresh_for: 24h")
    #expect(states(try workspace.run(text)) == ["ran", "ran"])
    func plan(_ hours: Int64) throws -> [String] {
      let planner = Planner(store: workspace.store, clock: { wallClock() + hours * Self.hour })
      return decisions(try planner.plan(workspace.pipeline(text)))
    }
    #expect(try plan(3) == ["cached: 3 h old, fresh for 21 h more", "cached"])
    #expect(try plan(23)[0].hasPrefix("cached: 23 h old, fresh for "))
    #expect(try plan(26) == ["runs: its result is 26 h old and was fresh for 24 h", "unless [\"go\"]"])
    #expect(
      try plan(-2)[0] == "runs: its result is of a time to come: the clock was wrong then, or is now")
    #expect(states(try workspace.run(text, clock: { wallClock() + 3 * Self.hour })) == ["cached", "cached"])
    #expect(states(try workspace.run(text, clock: { wallClock() + 26 * Self.hour })) == ["ran", "cached"])
    // The new result's age is told from now on.
    #expect(states(try workspace.run(text)) == ["cached", "cached"])
  }

  @Test func freshnessHoldsBesideAVersion() throws {
    let workspace = try workspace()
    // A result that was made before anybody asked how old it is.
    #expect(states(try workspace.run(text(", version: x"))) == ["ran", "ran"])
    let fresh = text(", version: x, fresh_for: 1h")
    #expect(states(try workspace.run(fresh)) == ["cached", "cached"])
    #expect(states(try workspace.run(fresh, clock: { wallClock() + 2 * Self.hour })) == ["ran", "cached"])
    #expect(states(try workspace.run(text(", version: y, fresh_for: 1h"))) == ["ran", "cached"])
  }

  @Test func whatOthersCannotTellIsNotShared() throws {
    let workspace = try workspace()
    let cache = FolderRemote(
      path: workspace.folder.path("cache"), isWritable: true, files: FileSystem(isDurable: false))
    func runElsewhere(_ fields: String) throws -> [String] {
      let remotes = RemoteCaches([cache])
      let store = Store(
        path: workspace.folder.path("store-\(UUID().uuidString)"), files: FileSystem(isDurable: false))
      let summary = try workspace.run(text(fields), in: store, remotes: remotes)
      return states(summary)
    }
    #expect(try runElsewhere(", version: x") == ["ran", "ran"])
    #expect(try runElsewhere(", version: x") == ["cached", "cached"])
    // What is made below is shared, for its key tells all.
    #expect(try runElsewhere(", version: x, fresh_for: 1d") == ["ran", "cached"])
    #expect(try runElsewhere("") == ["ran", "cached"])
    #expect(try runElsewhere(", fresh_for: 1d") == ["ran", "cached"])
    #expect(try runElsewhere(", fresh_for: 1d") == ["ran", "cached"])
    // The setting is in no key.
    #expect(
      try workspace.pipeline(text("")).node("go")?.planKey
        == workspace.pipeline(text(", fresh_for: 1h")).node("go")?.planKey)
  }

  // MARK: What others take

  @Test func rowsAndModelsThatAProgramMakesAreLoaded() throws {
    let workspace = try workspace()
    let text = """
      pipeline: p
      nodes:
        fetch:
          {type: exec, command: [sh, -c, 'cp rows.jsonl outputs/rows/; cp tiny/* outputs/model/'],
           files: [DIR/rows.jsonl, DIR/tiny], outputs: {rows: files, model: folder}, version: 1}
        made_rows: {type: load_dataset, files: fetch.rows}
        rows: {type: load_dataset, from: DIR/rows.jsonl}
        made_model: {type: load_model, folder: fetch.model, compute: f32}
        model: {type: load_model, from: DIR/tiny, compute: f32}
      """
    let summary = try workspace.run(text)
    #expect(summary.state == .done, "\(summary.nodes.flatMap(\.problems).rendered())")
    for (made, given) in [("made_rows", "rows"), ("made_model", "model")] {
      #expect(summary[made]?.result?.digests == summary[given]?.result?.digests, "\(made)")
    }
    func problem(_ node: String) throws -> Diagnostic? {
      let text = text.replacing("made_rows: {type: load_dataset, files: fetch.rows}", with: "made_rows: \(node)")
        .replacing("cp rows.jsonl outputs/rows/;", with: "cp rows.jsonl outputs/rows/; echo > outputs/rows/more;")
      do { return try workspace.run(text)["made_rows"]?.problems.first } catch let error as DiagnosticList {
        return error.diagnostics.first
      }
    }
    #expect(try problem("{type: load_dataset}")?.summary == "Nothing says where the rows come from")
    let both = try problem("{type: load_dataset, files: fetch.rows, from: DIR/rows.jsonl}")
    #expect(both?.summary == "`files` has no effect beside `from`")
    let which = try problem("{type: load_dataset, files: fetch.rows}")
    #expect(which?.summary == "Nothing says which of `files` to read")
    #expect(which?.reason == "they are [more, rows.jsonl]")
    let none = try problem("{type: load_dataset, files: fetch.rows, member: row.jsonl}")
    #expect(none?.summary == "There is no file `row.jsonl` in `files`")
    #expect(none?.advice == "`member: rows.jsonl`")
    #expect(try problem("{type: load_dataset, files: fetch.rows, member: rows.jsonl}") == nil)
  }

  // MARK: Before anything runs

  @Test(
    "What is wrong with a node, before anything runs",
    arguments: [
      ("command: sh script.sh, outputs: {o: files}", "`command` is one word with spaces in it"),
      ("command: [], outputs: {o: files}", "`command` names no program"),
      ("outputs: {o: files}", "Field `command` is missing"),
      ("command: [sh]", "Field `outputs` is missing"),
      ("command: [sh], outputs: {}", "No output is named: nothing that the program makes would be kept"),
      ("command: [sh], outputs: files", "`files` stands here"),
      ("command: [sh], outputs: {o: adapted}", "`adapted` is not one of"),
      ("command: [sh], outputs: {0: files}", "`0` is no name for a value"),
      (
        "command: [sh, '{inputs.toknes}'], outputs: {o: files}, inputs: {tokens: rows}",
        "`{inputs.toknes}` stands for nothing"
      ),
      ("command: [sh, '{output.o}'], outputs: {o: files}", "`{output.o}` stands for nothing"),
      ("command: [sh], outputs: {o: files}, inputs: rows", "`rows` stands here"),
      ("command: [sh], outputs: {o: files}, inputs: {rows: row}", "Unknown node `row`"),
      ("command: [sh], outputs: {o: files}, inputs: {a.b: rows}", "`a.b` is no name for a port"),
      ("command: [sh], outputs: {o: files}, files: [DIR/tiny, DIR/other/tiny]", "Two files would have one name"),
      ("command: [sh], outputs: {o: files}, files: [DIR/inputs]", "A file may not be called `inputs` here"),
      ("command: [sh], outputs: {o: files}, files: [DIR/none]", "No file or folder"),
      ("command: [sh], outputs: {o: files}, inherit: [A=b]", "`A=b` is no name of a variable"),
      ("command: [sh], outputs: {o: files}, fresh_for: never", "`never` is not a time"),
    ])
  func problems(_ fields: String, _ summary: String) throws {
    let workspace = try workspace()
    let text = """
      pipeline: p
      nodes:
        rows: {type: load_dataset, from: DIR/rows.jsonl}
        go: {type: exec, \(fields)}
      """
    let error = #expect(throws: DiagnosticList.self) { _ = try workspace.pipeline(text) }
    let found = (error?.diagnostics ?? []).filter { $0.severity == .error }
    #expect(found.count == 1, "\(found.map(\.summary))")
    #expect(found.first?.summary.hasPrefix(summary) == true, "\(found.first?.summary ?? "")")
    #expect(found.first?.place != nil)
  }

  @Test func outputsAreTypedBeforeAnythingRuns() throws {
    let workspace = try workspace()
    func problem(_ nodes: String) -> String? {
      let error = #expect(throws: DiagnosticList.self) {
        _ = try workspace.pipeline("pipeline: p\nnodes:\n\(nodes)")
      }
      return error?.diagnostics.first?.summary
    }
    let go = "  go: {type: exec, command: [sh], outputs: {adapter: adapter, numbers: metrics}}\n"
    let base = "  base: {type: load_model, from: DIR/tiny}\n"
    #expect(
      problem(go + base + "  on: {type: attach_adapter, model: base, adapter: go.numbers}\n")
        == "Input `adapter` of node `on` takes `adapter`, not `metrics`")
    #expect(
      problem(go + base + "  on: {type: attach_adapter, model: base, adapter: go.adaptor}\n")
        == "Node `go` has no output `adaptor`")
    #expect(
      problem(go + base + "  on: {type: attach_adapter, model: base, adapter: go, rank: 4}\n")
        == "`rank` has no effect beside `adapter`")
    #expect(
      problem(go + base + "  on: {type: attach_adapter, model: base, adapter: go, from: DIR/adapter}\n")
        == "`from` has no effect beside `adapter`")
    #expect(
      problem(go + "  other: {type: exec, command: [sh], outputs: {o: files}, inputs: {all: go}}\n")
        == "Node `go` has several outputs")
    #expect(
      problem("  rows: {type: load_dataset, from: DIR/rows.jsonl, fresh_for: 1d}\n")
        == "`fresh_for` has no effect on nodes of type `load_dataset`")
  }

  @Test func groupsReachNamedInputs() throws {
    let workspace = try workspace()
    let pipeline = try workspace.pipeline(
      """
      pipeline: p
      groups:
        make:
          nodes:
            first: {type: exec, command: [sh, -c, "echo > outputs/out/x"], outputs: {out: files}}
            second: {type: exec, command: [sh], inputs: {made: first.out}, outputs: {out: files}}
      nodes:
        here: {group: make}
        below: {type: exec, command: [sh], inputs: {made: here}, outputs: {out: files}}
      """)
    #expect(pipeline.node("here-second")?.inputs.map(\.node) == ["here-first"])
    #expect(pipeline.node("below")?.inputs.map(\.node) == ["here-second"])
  }

  @Test func aMatrixReachesNamedInputs() throws {
    let workspace = try workspace()
    let pipeline = try workspace.pipeline(
      """
      pipeline: p
      params: {word: a}
      matrix: {grid: {word: [a, b]}}
      nodes:
        go: {type: exec, command: [sh, -c, "echo ${word} > outputs/out/x"], outputs: {out: files}, version: 1}
        below: {type: exec, command: [sh, -c, 'cat inputs/made/*'], inputs: {made: go.out}, outputs: {out: files}}
      """)
    #expect(
      pipeline.nodes.map(\.name).sorted() == ["below@word=a", "below@word=b", "go@word=a", "go@word=b"])
    #expect(pipeline.node("below@word=b")?.inputs.map(\.node) == ["go@word=b"])
  }
}
