import Foundation
import PreciseJSON
import TestKit
import Testing

/// Programs of one's own in runs of the built program: nothing stays behind, whatever is killed.
@Suite(.serialized) struct ExecCommandTests {
  private static let pipeline = """
    pipeline: own
    nodes:
      go:
        type: exec
        command: [sh, script.sh, "{checkpoints}"]
        files: [script.sh]
        outputs: {out: metrics}
        version: "1"
    """

  /// Writes its number and those of what it starts, one of it in a session of its own; the second time it ends at once.
  private static let script = """
    if [ -f "$1/begun" ]; then cat "$1/begun" > outputs/out/metrics.json; exit 0; fi
    echo '{"loss": 1}' > "$1/begun"
    echo $$ >> DIR/processes
    (sh -c 'echo $$ >> DIR/processes; exec sleep 1000') &
    setsid sh -c 'echo $$ >> DIR/processes; exec sleep 1000' &
    while [ $(wc -l < DIR/processes) -lt 3 ]; do sleep 0.01; done
    touch DIR/ready
    sleep 1000

    """

  private func project() throws -> Project {
    let project = try Project(rows: 1)
    try project.folder.write(Self.pipeline, to: "own.yaml")
    try project.folder.write(Self.script.replacing("DIR", with: project.folder.path), to: "script.sh")
    return project
  }

  private func waitForReady(_ project: Project) throws {
    for _ in 0..<2000 {
      if FileManager.default.fileExists(atPath: project.folder.path("ready")) { return }
      usleep(10_000)
    }
    Issue.record("the program did not begin")
  }

  private func processes(_ project: Project) throws -> [Int32] {
    try String(contentsOfFile: project.folder.path("processes"), encoding: .utf8).split(separator: "\n")
      .compactMap { Int32($0) }
  }

  /// Whether a process has ended, seen off by its parent or not: that is up to who got it when its own parent ended.
  private func isGone(_ id: Int32) -> Bool {
    guard let stat = try? String(contentsOfFile: "/proc/\(id)/stat", encoding: .utf8) else { return true }
    return stat[(stat.lastIndex(of: ")") ?? stat.startIndex)...].dropFirst(2).first == "Z"
  }

  /// Whether processes are gone within some seconds.
  private func areGone(_ ids: [Int32]) -> Bool {
    for _ in 0..<500 {
      if ids.allSatisfy({ isGone($0) }) { return true }
      usleep(10_000)
    }
    return false
  }

  /// The processes below one, as proc(5) has it.
  private func children(of parent: Int32) throws -> [Int32] {
    try FileManager.default.contentsOfDirectory(atPath: "/proc").compactMap { name in
      guard let id = Int32(name), let stat = try? String(contentsOfFile: "/proc/\(name)/stat", encoding: .utf8),
        let end = stat.lastIndex(of: ")")
      else { return nil }
      let words = stat[stat.index(after: end)...].split(separator: " ")
      return words.count > 1 && words[1] == String(parent) ? id : nil
    }
  }

  /// The run itself, its worker, or the guard between worker and program is killed without warning.
  @Test(arguments: ["run", "worker", "guard"])
  func nothingIsLeftRunningAndTheNextRunGoesOn(_ victim: String) throws {
    let project = try project()
    let (process, end) = try project.start(["run", "own.yaml"])
    try waitForReady(project)
    let worker = try #require(try children(of: process.processIdentifier).first)
    let guardian = try #require(try children(of: worker).first)
    let ids = try processes(project)
    #expect(ids.count == 3)
    kill(victim == "run" ? process.processIdentifier : victim == "worker" ? worker : guardian, SIGKILL)
    // A guard that is killed cannot see to what left its program's group.
    #expect(areGone(victim == "guard" ? Array(ids.prefix(2)) : ids) && areGone([worker, guardian]))
    for id in ids { kill(id, SIGKILL) }
    let outcome = end()
    #expect(outcome.code != 0)
    if victim != "run" { #expect(outcome.messages.contains("go: failed"), "\(outcome.messages)") }
    let again = try project.anneal("run", "own.yaml")
    #expect(again.code == 0, "\(again.messages)")
    #expect(
      try String(contentsOfFile: project.folder.path("results/own/go/metrics.json"), encoding: .utf8)
        == "{\"loss\": 1}\n")
  }

  @Test func aRunThatIsAskedToStopEndsIt() throws {
    let project = try project()
    let (process, end) = try project.start(["run", "own.yaml"])
    try waitForReady(project)
    process.interrupt()
    #expect(end().code == 75)
    #expect(areGone(try processes(project)))
  }

  @Test func planSaysWhatItWillDo() throws {
    let project = try Project(rows: 1)
    try project.folder.write(
      """
      pipeline: own
      nodes:
        news: {type: exec, command: [sh, -c, "date +%N > outputs/out/x"], outputs: {out: files}, fresh_for: 1d}
        each: {type: exec, command: [sh, -c, "echo > outputs/out/x"], outputs: {out: files}}
        kept:
          {type: exec, command: [sh, -c, "cat inputs/*/* > outputs/out/x"], inputs: {news: news, each: each},
           outputs: {out: files}, version: 1}
      """, to: "own.yaml")
    let run = try project.anneal("run", "own.yaml")
    #expect(run.code == 0, "\(run.messages)")
    let plan = try project.anneal("plan", "own.yaml").output
    #expect(plan.contains("news  cached: "), "\(plan)")
    #expect(plan.contains(" old, fresh for 24 h more") || plan.contains(" old, fresh for 23 h"), "\(plan)")
    #expect(
      plan.contains("each  will run: it has no version, so nothing tells whether its last result still holds"),
      "\(plan)")
    #expect(plan.contains("kept  will run unless `each` comes out as before"), "\(plan)")
    let why = try project.anneal("why", "own.yaml", "each").output
    #expect(
      why.hasPrefix("`each` runs: it has no version, so nothing tells whether its last result still holds"), "\(why)")
    let schema = try JSON(parsing: project.anneal("schema").output)
    let node = try #require(schema["$defs"]?["node.exec"])
    #expect(node["properties"]?["inputs"] != nil && node["properties"]?["fresh_for"] != nil)
    #expect(schema["$defs"]?["node.train"]?["properties"]?["fresh_for"] == nil)
  }
}
