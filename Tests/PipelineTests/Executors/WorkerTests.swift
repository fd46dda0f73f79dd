import Diagnostics
import Foundation
import Pipeline
import TestKit
import Testing

@Suite(.enabled(if: toyEngine() != nil, "the program `ToyEngine` was not built"), .serialized)
struct WorkerTests {
  private let program: String
  private let workspace: ToyWorkspace

  init() throws {
    program = try #require(toyEngine())
    workspace = try ToyWorkspace()
  }

  private func run(_ text: String, cancellation: Cancellation = Cancellation()) throws -> RunSummary {
    try workspace.run(text, worker: [program, "worker"], cancellation: cancellation)
  }

  private func heavy(_ fields: String) -> String {
    """
    pipeline: heavy
    nodes:
      a: {type: toy_text, text: quiet}
      loud: {type: toy_heavy, of: a, count_in: COUNT\(fields)}
      end: {type: toy_join, parts: [loud]}
    outputs: [end]
    """
  }

  @Test func performsAnActionInAWorker() throws {
    let summary = try run(heavy(", megabytes: 64"))
    #expect(try workspace.text(summary, "end") == "QUIET")
    let peak = try #require(summary["loud"]?.peakMemory)
    #expect(peak > 64 << 20 && peak < 512 << 20)
    let log = String(decoding: try FileSystem().read(workspace.folder.path("loud.log")) ?? [], as: UTF8.self)
    #expect(log.contains("a line on standard error") && log.contains("working"))
    #expect(try run(heavy(", megabytes: 0"))["loud"]?.state == .cached)
  }

  @Test func aForcedNodeReplacesItsResultFromAWorkerToo() throws {
    let text = "pipeline: dice\nnodes:\n  dice: {type: toy_dice}\noutputs: [dice]\n"
    let first = try run(text)
    var options = RunOptions()
    options.forced = ["dice"]
    let second = try workspace.run(text, worker: [program, "worker"], options: options)
    #expect(second["dice"]?.result?.digests != first["dice"]?.result?.digests)
    #expect(try run(text)["dice"]?.result?.digests == second["dice"]?.result?.digests)
  }

  /// The worker's program behind a shell that first does something and notes its process.
  private func noting(_ first: String = "true") -> [String] {
    let folder = workspace.folder.path
    return ["/bin/sh", "-c", "cd '\(folder)'; echo $$ >> started; \(first); exec '\(program)' worker"]
  }

  private func started() throws -> [pid_t] {
    let bytes = try FileSystem().read(workspace.folder.path("started")) ?? []
    return String(decoding: bytes, as: UTF8.self).split(separator: "\n").compactMap { pid_t($0) }
  }

  @Test func theWorkerThatStartedEarlyTakesTheJob() throws {
    let summary = try workspace.run(heavy(""), worker: noting())
    #expect(summary.state == .done)
    #expect(try started().count == 1)
  }

  @Test func aWorkerWithoutAJobIsEnded() throws {
    let executor = WorkerExecutor(store: workspace.store, program: noting())
    executor.prepare()
    executor.prepare()
    let end = Date(timeIntervalSinceNow: 10)
    while try started().isEmpty, Date() < end { Thread.sleep(forTimeInterval: 0.01) }
    executor.dismiss()
    let processes = try started()
    #expect(processes.count == 1)
    for process in processes { #expect(kill(process, 0) == -1) }
  }

  @Test func aWorkerThatDiedWaitingIsReplaced() throws {
    let text = """
      pipeline: p
      nodes:
        a: {type: toy_text, text: quiet}
        b: {type: toy_join, parts: [a], pause: 1}
        loud: {type: toy_heavy, of: b}
      outputs: [loud]
      """
    let summary = try workspace.run(text, worker: noting("test -e died || { touch died; exit 3; }"))
    #expect(summary.state == .done, "\(summary.nodes.flatMap(\.problems))")
    #expect(try started().count > 1)
  }

  /// Every write of every thread in turn fails, that of a job to its worker too: nobody waits for the rest of it.
  @Test(.enabled(if: FileManager.default.isExecutableFile(atPath: "/usr/bin/strace"), "there is no strace"))
  func aJobThatCannotBeSentIsAnError() throws {
    for step in 1...5 {
      let workspace = try ToyWorkspace()
      try workspace.write(pipeline: heavy(""))
      let faulty = try ToyProcess(
        workspace, program: program,
        prefix: "exec timeout -s KILL 40 strace -f -qq -o /dev/null -e trace=write "
          + "-e inject=write:error=ENOSPC:when=\(step)"
      ).end()
      #expect([0, 1, 2].contains(faulty.code), "write \(step): \(faulty.output)")
      #expect(try ToyProcess(workspace, program: program).end().code == 0)
    }
  }

  @Test func aCrashFailsOneNodeWithItsLog() throws {
    let summary = try run(heavy(", signal: 11"))
    let problem = try #require(summary["loud"]?.problems.first)
    #expect(problem.summary == "The worker of node `loud` was killed by signal SIGSEGV")
    #expect(problem.reason?.hasPrefix("its last lines were:\n") == true)
    #expect(summary["end"]?.state == .blocked)
    // The same node, healthy this time: nothing is in the way.
    #expect(try run(heavy("")).state == .done)
  }

  @Test func aKilledWorkerProbablyRanOutOfMemory() throws {
    let summary = try run(heavy(", signal: 9"))
    #expect(
      summary["loud"]?.problems.first?.summary
        == "The worker of node `loud` was killed by signal SIGKILL; probably the machine ran out of memory")
  }

  @Test func aWorkerThatJustExitsHasFailed() throws {
    let summary = try run(heavy(", exit_code: 0"))
    #expect(
      summary["loud"]?.problems.first?.summary
        == "The worker of node `loud` ended with exit code 0 and no result")
  }

  @Test func theLastWordsOfAWorkerAreItsNodesError() throws {
    let problem = try run(heavy(", stop: \"Out of memory: 12 bytes more were wanted\""))["loud"]?.problems.first
    #expect(problem?.summary == "Out of memory: 12 bytes more were wanted")
    #expect(problem?.reason == "the worker of node `loud` could not go on")
  }

  @Test func aLogThatCannotBeWrittenIsAnError() throws {
    let log = workspace.folder.path("loud.log")
    try FileSystem().makeFolder(log)
    // The worker that started early has to open it itself.
    for text in [heavy(""), heavy("").replacingOccurrences(of: "quiet", with: "early")] {
      let summary = try run(text)
      #expect(
        summary["loud"]?.problems.first?.summary == "Cannot write `\(log)`: a folder stands where a file should be")
    }
  }

  @Test func aWorkerThatEndedBeforeItHadItsJobIsReplaced() throws {
    let worker = noting("test -e died || { touch died; read job; exit 127; }")
    let summary = try workspace.run(heavy(""), worker: worker)
    // Where none had started early the first is the only one, and its node fails.
    let isEarly = try started().count > 1
    #expect(summary.state == (isEarly ? .done : .failed), "\(summary.nodes.flatMap(\.problems))")
  }

  @Test func aRequestToAWorkerThatHasJustStartedIsNoFailure() throws {
    let cancellation = Cancellation()
    Thread.detachNewThread {
      Thread.sleep(forTimeInterval: 0.5)
      cancellation.request()
    }
    // A program that does not catch SIGTERM yet.
    let summary = try workspace.run(
      heavy(""), worker: ["/bin/sh", "-c", "exec sleep 20"], cancellation: cancellation)
    #expect(summary.exitCode == 75)
    #expect(summary["loud"]?.state == .interrupted)
  }

  @Test func aParentThatIgnoresItsChildrenChangesNothing() throws {
    try workspace.write(pipeline: heavy(""))
    let ending = try ToyProcess(workspace, program: program, prefix: "trap '' CHLD;").end()
    #expect(ending.code == 0, "\(ending.output)")
  }

  /// Whenever the signal comes after the program's start, the run is done or ends with 75, and the next one makes the
  /// same.
  @Test func aTerminatedRunIsResumableAtAnyMoment() throws {
    try workspace.write(pipeline: heavy(", pause: 0.05"))
    let expected = try ToyProcess(workspace, program: program).end().nodes["end"]?.suffix(64)
    for delay in stride(from: 0.06, to: 0.36, by: 0.03) {
      let workspace = try ToyWorkspace()
      try workspace.write(pipeline: heavy(", pause: 0.05"))
      let run = try ToyProcess(workspace, program: program)
      Thread.sleep(forTimeInterval: delay)
      kill(run.process.processIdentifier, SIGTERM)
      let ending = run.end()
      #expect([0, 75].contains(ending.code), "after \(delay) s: \(ending.output)")
      let next = try ToyProcess(workspace, program: program).end()
      #expect(next.code == 0 && next.nodes["end"]?.suffix(64) == expected, "after \(delay) s: \(next.output)")
    }
  }

  @Test func aMissingProgramIsAnError() throws {
    let summary = try workspace.run(heavy(""), worker: ["/no/such/program", "worker"])
    #expect(summary["loud"]?.problems.first?.summary == "Cannot start `/no/such/program`: it does not exist")
  }

  @Test func resumesFromItsCheckpointAfterARequestToStop() throws {
    let text = """
      pipeline: slow
      nodes:
        slow: {type: toy_slow, steps: 40, pause: 0.02, count_in: COUNT}
      outputs: [slow]
      """
    let cancellation = Cancellation()
    Thread.detachNewThread {
      Thread.sleep(forTimeInterval: 0.5)
      cancellation.request()
    }
    let stopped = try run(text, cancellation: cancellation)
    #expect(stopped.exitCode == 75)
    #expect(stopped["slow"]?.state == .interrupted)
    let resumed = try run(text)
    #expect(resumed.state == .done)
    // No step was made twice, and none was lost.
    #expect(try workspace.executed().count == 40)
    let other = try ToyWorkspace()
    let straight = try other.run(text, worker: [program, "worker"])
    #expect(straight["slow"]?.result?.digests == resumed["slow"]?.result?.digests)
    #expect(try FileSystem().names(in: workspace.store.path + "/checkpoints") == [])
  }

  @Test func stopsAtOnceOnASecondRequest() throws {
    let text = "pipeline: p\nnodes:\n  slow: {type: toy_slow, steps: 3, pause: 30}\noutputs: [slow]\n"
    let cancellation = Cancellation()
    Thread.detachNewThread {
      Thread.sleep(forTimeInterval: 0.3)
      cancellation.request()
      Thread.sleep(forTimeInterval: 0.3)
      cancellation.request()
    }
    let summary = try run(text, cancellation: cancellation)
    #expect(summary.seconds < 5)
    #expect(summary["slow"]?.state == .interrupted)
  }

  @Test func aWorkerDiesWithItsParent() throws {
    try workspace.write(
      pipeline:
        "pipeline: p\nnodes:\n  slow: {type: toy_slow, steps: 2000, pause: 0.01, count_in: COUNT}\noutputs: [slow]\n")
    let run = try ToyProcess(workspace, program: program)
    Thread.sleep(forTimeInterval: 1)
    kill(run.process.processIdentifier, SIGKILL)
    _ = run.end()
    Thread.sleep(forTimeInterval: 0.3)
    let counted = try workspace.executed().count
    #expect(counted > 0)
    Thread.sleep(forTimeInterval: 0.3)
    #expect(try workspace.executed().count == 0)
  }

  @Test func aTerminatedRunStopsItsWorkersAndExits75() throws {
    try workspace.write(
      pipeline:
        "pipeline: p\nnodes:\n  slow: {type: toy_slow, steps: 60, pause: 0.02, count_in: COUNT}\noutputs: [slow]\n")
    let run = try ToyProcess(workspace, program: program)
    Thread.sleep(forTimeInterval: 0.7)
    kill(run.process.processIdentifier, SIGTERM)
    #expect(run.end().code == 75)
    #expect(try ToyProcess(workspace, program: program).end().code == 0)
    #expect(try workspace.executed().count == 60)
  }
}
