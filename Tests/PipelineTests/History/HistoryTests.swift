import Diagnostics
import Foundation
import Pipeline
import PreciseJSON
import Synchronization
import TestKit
import Testing

@Suite struct HistoryTests {
  private let workspace: ToyWorkspace
  private let history: RunHistory

  init() throws {
    workspace = try ToyWorkspace()
    try workspace.folder.write("one\ntwo\n", to: "input.txt")
    history = RunHistory(project: workspace.folder.path)
  }

  @discardableResult
  private func run(_ text: String = chain) throws -> RunSummary {
    let pipeline = try workspace.pipeline(text)
    let recorder = try history.begin(pipeline)
    return try workspace.scheduler(sinks: [recorder]).run(pipeline, id: recorder.id, project: workspace.folder.path)
  }

  @Test func remembersRuns() throws {
    let summary = try run()
    let record = try history.run("last")
    #expect(record.id == summary.id)
    #expect(record.state == .done)
    #expect(record.nodes.map(\.name) == summary.nodes.map(\.name))
    #expect(record.nodes.first { $0.name == "end" }?.outputs.map(\.port) == ["text"])
    #expect(try history.run(String(summary.id.prefix(20))).id == summary.id)
    let events = try #require(try FileSystem().read(record.folder + "/events.jsonl"))
    for line in events.split(separator: UInt8(ascii: "\n")) {
      #expect(try JSON(parsing: Array(line), file: "events")["time"]?.double ?? 0 > 1e9)
    }
    #expect(throws: UnknownRun.self) { try history.run("nothing") }
  }

  @Test func experimentsAreNoLastRunAndLeftOut() throws {
    let ordinary = try run()
    let pipeline = try workspace.pipeline(chain)
    let recorder = try history.begin(pipeline, purpose: .blame)
    _ = try workspace.scheduler(sinks: [recorder]).run(
      pipeline, id: recorder.id, project: workspace.folder.path, purpose: .blame)
    #expect(try history.run("last").id == ordinary.id)
    #expect(try history.run(recorder.id).purpose == .blame)
    #expect(try history.runs().map(\.id) == [ordinary.id])
    #expect(try history.runs(isWhole: true).map(\.id) == [recorder.id, ordinary.id])
    #expect(try history.lastPreimage(pipeline: "chain", node: "start", type: "toy_head")?.run == ordinary.id)
    // Also where there can be no index.
    try FileManager.default.removeItem(atPath: history.folder + "/index.sqlite")
    try FileManager.default.createDirectory(
      atPath: history.folder + "/index.sqlite/x", withIntermediateDirectories: true)
    let files = FileSystem { change, path in if change == .remove { throw SystemError("remove", path, code: EACCES) } }
    let bare = RunHistory(project: workspace.folder.path, files: files)
    #expect(try bare.runs().map(\.id) == [ordinary.id])
    #expect(try bare.lastPreimage(pipeline: "chain", node: "start", type: "toy_head")?.run == ordinary.id)
  }

  /// A folder that a killed process left before its record was written, or a disk that was full.
  @Test func aRunWithoutARecordIsNotTheLast() throws {
    let good = try run()
    let broken = "29991231-000000000-aaaaaa"
    try FileManager.default.createDirectory(
      atPath: history.folder(of: broken), withIntermediateDirectories: true)
    let told = Mutex<[Diagnostic]>([])
    let telling = RunHistory(project: workspace.folder.path, warn: { problems in told.withLock { $0 += problems } })
    #expect(try telling.run("last").id == good.id)
    let problem = try #require(told.withLock { $0 }.first)
    #expect(problem.code == "missing-record" && problem.severity == .warning)
    #expect(problem.advice == "remove the folder unless you need something in it")
    #expect(throws: (any Error).self) { try telling.run(broken) }
  }

  @Test func aRunThatCannotBeginLeavesNothing() throws {
    let files = FileSystem(isDurable: false) { change, path in
      if change == .write { throw SystemError("write", path, code: ENOSPC) }
    }
    let full = RunHistory(project: workspace.folder.path, files: files)
    #expect(throws: SystemError.self) { try full.begin(try workspace.pipeline(chain)) }
    #expect(try FileSystem().names(in: history.folder).isEmpty)
  }

  /// What a run has done that goes on, or that was killed, stands in its events alone.
  @Test func whatARunHasDoneSoFarIsInItsRecord() throws {
    let pipeline = try workspace.pipeline(chain)
    let recorder = try history.begin(pipeline)
    let collected = EventCollector()
    let summary = try workspace.scheduler(sinks: [collected]).run(
      pipeline, id: recorder.id, project: workspace.folder.path)
    let ended = collected.events.firstIndex { if case .nodeEnded = $0 { true } else { false } }
    let last = collected.events.lastIndex { if case .nodeStarted = $0 { true } else { false } }
    let (first, cut) = (try #require(ended), try #require(last))
    #expect(first < cut)
    for event in collected.events[...cut] { recorder.receive(event, time: Double(wallClock()) / 1e9) }
    try FileSystem().append(history.folder(of: recorder.id) + "/events.jsonl", Array("{\"half\": ".utf8))
    let record = try history.run("last")
    #expect(record.state == .running && record.nodes.map(\.name).sorted() == summary.nodes.map(\.name).sorted())
    let states = Dictionary(record.nodes.map { ($0.name, $0.state) }) { first, _ in first }
    let begun = collected.events[...cut].compactMap {
      if case .nodeStarted(let node, _, _, _, _, _) = $0 { node } else { nil }
    }
    let done = collected.events[...cut].compactMap { if case .nodeEnded(let record) = $0 { record.name } else { nil } }
    for node in summary.nodes.map(\.name) {
      let wanted: NodeState = done.contains(node) ? .ran : begun.contains(node) ? .running : .notStarted
      #expect(states[node] == wanted, "\(node)")
    }
    #expect(record.nodes.first { $0.name == done[0] }?.outputs.isEmpty == false)
    #expect(record.json["nodes"]?.array?.count == summary.nodes.count)
    // Killed, what had begun was stopped.
    let path = record.folder + "/run.json"
    let text = try String(contentsOfFile: path, encoding: .utf8)
    try text.replacingOccurrences(of: "\"process\": \(getpid())", with: "\"process\": 4194999").write(
      toFile: path, atomically: true, encoding: .utf8)
    let killed = try history.run("last")
    #expect(killed.isAbandoned && killed.nodes.contains { $0.state == .interrupted })
    #expect(!killed.nodes.contains { $0.state == .running })
  }

  @Test func aKilledRunIsKnownByItsLogs() throws {
    let recorder = try history.begin(try workspace.pipeline(chain))
    try FileSystem().append(recorder.logPath("both"), Array("as far as it came\n".utf8))
    let record = try history.run("last")
    #expect(try history.log(run: record.id, node: "both") == "as far as it came\n")
    #expect(try history.nodes(of: record) == ["both"])
  }

  @Test(.timeLimit(.minutes(1))) func recordsThatAreNoneAreNamed() throws {
    let good = try run()
    for id in ["20200101-000000000-aaaaaa", "20200101-000000000-bbbbbb", "20200101-000000000-cccccc"] {
      try FileManager.default.createDirectory(
        atPath: history.folder(of: id), withIntermediateDirectories: true)
    }
    mkfifo(history.folder(of: "20200101-000000000-aaaaaa") + "/run.json", 0o644)
    try workspace.folder.write("{}", to: ".anneal/runs/20200101-000000000-bbbbbb/run.json")
    #expect(try history.runs().map(\.id) == [good.id])
    #expect(
      try history.unreadable().map(\.code) == ["not-a-file", "damaged-record", "missing-record"])
  }

  @Test func theIndexIsMadeAgainFromTheFiles() throws {
    let first = try run()
    let second = try run()
    let index = workspace.folder.path(".anneal/runs/index.sqlite")
    #expect(try history.runs().map(\.id) == [first.id, second.id].sorted().reversed())
    try FileManager.default.removeItem(atPath: index)
    #expect(try RunHistory(project: workspace.folder.path).runs().count == 2)
    for content in ["no database", String(repeating: "x", count: 50_000)] {
      try Data(content.utf8).write(to: URL(fileURLWithPath: index))
      #expect(try RunHistory(project: workspace.folder.path).runs(limit: 1).count == 1)
      #expect(try RunHistory(project: workspace.folder.path).runs().count == 2)
    }
  }

  @Test func expectsWhatPastRunsTook() throws {
    let text =
      "pipeline: p\nnodes:\n  a: {type: toy_text, text: x}\n  b: {type: toy_join, parts: [a], pause: 0.2}\noutputs: [b]\n"
    let node = try #require(try workspace.pipeline(text).node("b"))
    #expect(history.expectations(pipeline: "p", nodes: [node])["b"] == nil)
    try run(text)
    let same = try #require(history.expectations(pipeline: "p", nodes: [node])["b"])
    #expect(same.basis == .sameWork && same.seconds >= 0.2 && same.seconds < 3)
    let edited = text.replacingOccurrences(of: "text: x", with: "text: y")
    let other = try #require(try workspace.pipeline(edited).node("b"))
    #expect(history.expectations(pipeline: "p", nodes: [other])["b"]?.basis == .sameNode)
    let plan = try Planner(store: workspace.store).plan(
      try workspace.pipeline(edited), expectations: { history.expectations(pipeline: $0, nodes: $1) })
    #expect(plan.willRun.map(\.name) == ["a"])
    #expect(plan.mayRun.map(\.name) == ["b"])
    #expect(plan.expectedSeconds.total >= 0.2)
  }

  @Test func givesThePreimageThatWhyComparesWith() throws {
    try run()
    let edited = chain.replacingOccurrences(of: "letters: 7", with: "letters: 6")
    let pipeline = try workspace.pipeline(edited)
    let plan = try Planner(store: workspace.store).plan(pipeline)
    guard case .run(_, let new) = try #require(plan.willRun.first).decision else { throw ToyError(text: "runs not") }
    let old = try #require(try history.lastPreimage(pipeline: "chain", node: "start", type: "toy_head"))
    #expect(new.difference(from: old.preimage) == [.field(path: "letters", old: 7, new: 6)])
  }

  @Test func aRunWhoseProcessIsGoneIsAbandoned() throws {
    let recorder = try history.begin(try workspace.pipeline(chain))
    #expect(try history.run(recorder.id).state == .running)
    #expect(try history.run(recorder.id).isAbandoned == false)
    let path = try history.run(recorder.id).folder + "/run.json"
    let text = try String(contentsOfFile: path, encoding: .utf8)
    let dead = text.replacingOccurrences(of: "\"process\": \(getpid())", with: "\"process\": 4194999")
    try Data(dead.utf8).write(to: URL(fileURLWithPath: path))
    #expect(try history.run(recorder.id).isAbandoned)
  }

  @Test func showsResultsThatMayBeEdited() throws {
    let pipeline = try workspace.pipeline(chain)
    let summary = try run()
    let view = ResultView(store: workspace.store, project: workspace.folder.path)
    #expect(try view.show(summary, of: pipeline).map(\.path) == ["results/chain/end"])
    let shown = workspace.folder.path("results/chain/end/text")
    #expect(try String(contentsOfFile: shown, encoding: .utf8) == "lo o|hel")
    let stamp = try FileSystem().status(shown)?.stamp
    _ = try view.show(summary, of: pipeline)
    #expect(try FileSystem().status(shown)?.stamp == stamp)
    try Data("edited!!".utf8).write(to: URL(fileURLWithPath: shown))
    #expect(try workspace.reopened().verify().isSound)
    try FileManager.default.removeItem(atPath: shown)
    _ = try view.show(summary, of: pipeline)
    #expect(try String(contentsOfFile: shown, encoding: .utf8) == "lo o|hel")
  }
}
