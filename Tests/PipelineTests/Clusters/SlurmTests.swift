import Diagnostics
import Foundation
import Pipeline
import TestKit
import Testing

/// A run on Slurm whose programs are fakes: what clusters are known to do to runs, one after the other.
@Suite(.enabled(if: toyEngine() != nil, "the program `ToyEngine` was not built"), .serialized)
struct SlurmTests {
  private let slurm: FakeSlurm

  init() throws { slurm = try FakeSlurm(#require(toyEngine())) }

  private func heavy(_ fields: String = "") -> String {
    """
    pipeline: heavy
    nodes:
      a: {type: toy_text, text: quiet}
      loud: {type: toy_heavy, of: a, memory: 100MiB\(fields)}
      end: {type: toy_join, parts: [loud]}
    outputs: [end]
    """
  }

  private let slow = "pipeline: slow\nnodes:\n  slow: {type: toy_slow, steps: 20, pause: 0.05, count_in: COUNT}\n"

  /// How the node `loud` failed.
  private func failure(_ fields: String = "") throws -> (summary: String, reason: String) {
    let problem = try #require(try slurm.run(heavy(fields))["loud"]?.problems.first)
    return (problem.summary, problem.reason ?? "")
  }

  private var submissions: Int { slurm.noted("sbatch.words").split(separator: "\n").count }

  @Test func aHeavyNodeIsAJob() throws {
    let summary = try slurm.run(heavy(", timeout: 90"))
    #expect(summary.state == .done, "\(summary.nodes.flatMap(\.problems))")
    #expect(try slurm.workspace.text(summary, "end") == "QUIET")
    #expect(summary["loud"]?.peakMemory ?? 0 > 0)
    let words = slurm.noted("sbatch.words")
    #expect(submissions == 1 && words.contains("--mem=100M") && words.contains("--time=2 "))
    #expect(words.contains("--partition=short") && !words.contains("--signal"))
    // What a surrounding job says of itself stays out of it.
    #expect(slurm.noted("sbatch.environment") == "SLURM_CONF=/conf\n")
    let log = try String(contentsOfFile: slurm.workspace.folder.path("loud.log"), encoding: .utf8)
    #expect(log.contains("a line on standard error") && log.contains("working") && log.contains("Slurm job 1"))
    #expect(try FileSystem().names(in: slurm.workspace.store.path + "/tmp").allSatisfy { !$0.hasPrefix("anneal-") })
    #expect(try slurm.run(heavy())["loud"]?.state == .cached)
  }

  @Test func aJobThatIsLostIsNoSuccess() throws {
    try slurm.hook("instead-of-job", "rm -rf $F/jobs/$n; exit")
    let failure = try failure()
    #expect(failure.summary == "Job 1 of node `loud` is not known any more and left no result")
  }

  @Test func aJobThatEndsWellWithoutAResultIsNoSuccess() throws {
    #expect(try failure(", exit_code: 0").summary == "Job 1 of node `loud` ended as COMPLETED and left no result")
  }

  @Test func aCancelledJobIsExplainedThoughAccountingIsLate() throws {
    try slurm.hook("instead-of-job", "state $n 'CANCELLED by 1000'; exit")
    try slurm.hook("on-sacct", "exit 0")
    let failure = try failure()
    #expect(failure.summary == "Job 1 of node `loud` ended as CANCELLED and left no result")
    #expect(failure.reason.contains("JobState=CANCELLED, Reason=None, ExitCode=0:9"), "\(failure.reason)")
  }

  @Test func accountingExplainsWhatItKnows() throws {
    try slurm.hook("instead-of-job", "state $n OUT_OF_MEMORY; exit")
    try slurm.hook("on-sacct", "echo 'OUT_OF_MEMORY|0:125|00:01:00|node7'")
    let problem = try #require(try slurm.run(heavy())["loud"]?.problems.first)
    #expect(problem.reason == "Slurm says: State OUT_OF_MEMORY, ExitCode 0:125, Elapsed 00:01:00, NodeList node7")
    #expect(problem.advice?.hasPrefix("give the node more `memory`") == true)
  }

  @Test func aNodeThatGoesDownFailsTheAttemptAndARetryGoesOn() throws {
    try slurm.hook("instead-of-job", "rm $F/instead-of-job; state $n NODE_FAIL; exit")
    let summary = try slurm.run(heavy(", retries: 1"))
    #expect(summary.state == .done && submissions == 2, "\(summary.nodes.flatMap(\.problems))")
  }

  @Test func aRequeuedJobIsAwaited() throws {
    try slurm.hook("instead-of-job", "rm $F/instead-of-job; state $n NODE_FAIL; touch $F/jobs/$n/again; sleep 0.1")
    let summary = try slurm.run(heavy())
    #expect(summary.state == .done && submissions == 1, "\(summary.nodes.flatMap(\.problems))")
  }

  @Test func anAnswerThatIsLostSubmitsNothingTwice() throws {
    try slurm.hook(
      "after-sbatch", "echo 'sbatch: error: Batch job submission failed: Socket timed out' >&2; exit 1")
    let summary = try slurm.run(heavy(", pause: 1"))
    #expect(summary.state == .done && submissions == 1, "\(summary.nodes.flatMap(\.problems))")
  }

  @Test func aSchedulerThatIsAwayForAMomentIsTriedAgain() throws {
    try slurm.hook(
      "before-sbatch", "rm $F/before-sbatch; echo 'sbatch: error: Unable to contact slurm controller' >&2; exit 1")
    try slurm.hook(
      "on-squeue",
      "case \"$*\" in *--name*) ;; *) echo x >> $F/silent; [ $(wc -l < $F/silent) -gt 3 ] || exit 1 ;; esac")
    let summary = try slurm.run(heavy(", pause: 0.5"))
    #expect(summary.state == .done && submissions == 2, "\(summary.nodes.flatMap(\.problems))")
  }

  @Test func whatSlurmRefusesIsToldInItsWords() throws {
    try slurm.hook("before-sbatch", "echo 'sbatch: error: invalid partition specified: short' >&2; exit 1")
    let failure = try failure()
    #expect(failure.summary == "Slurm does not take the job of node `loud`")
    #expect(failure.reason == "it said: sbatch: error: invalid partition specified: short" && submissions == 1)
  }

  @Test func aStateThatTellsNothingIsAskedAgainAndThenAFailure() throws {
    try slurm.hook("instead-of-job", "state $n UNKNOWN; exit")
    #expect(try failure().summary == "Job 1 of node `loud` ended as UNKNOWN and left no result")
  }

  @Test func aWishToStopLetsTheJobSave() throws {
    let cancellation = Cancellation()
    DispatchQueue.global().asyncAfter(deadline: .now() + 0.6) { cancellation.request() }
    let summary = try slurm.run(slow, cancellation: cancellation)
    #expect(summary["slow"]?.state == .interrupted)
    #expect(slurm.noted("scancel.words") == "--batch --signal=USR2 1\n")
    let done = try slurm.workspace.executed().count
    #expect(done > 0 && done < 20)
    #expect(try slurm.run(slow).state == .done)
    #expect(try slurm.workspace.executed().count == 20 - done)
  }

  @Test func beforeItsTimeLimitAJobSavesAndIsStartedAgain() throws {
    try slurm.hook("beside-job", "[ $r -gt 0 ] || (sleep 0.5; kill -USR1 $pid) &")
    let summary = try slurm.run(slow)
    #expect(summary.state == .done && submissions == 1, "\(summary.nodes.flatMap(\.problems))")
    #expect(try slurm.workspace.executed().count == 20)
    let log = try String(contentsOfFile: slurm.workspace.folder.path("slow.log"), encoding: .utf8)
    #expect(log.contains("Slurm starts job 1 again") || summary["slow"]?.attempts == 1)
  }

  @Test func aJobOfARunThatWasKilledGoesOn() throws {
    let text = heavy(", pause: 1")
    let first = try slurm.workspace.run(text, heavy: slurm.executor(Forgetful(cluster: slurm.cluster)))
    #expect(first.state == .failed)
    #expect(try slurm.run(text).state == .done)
    #expect(submissions == 1)
  }

  @Test func jobsAreStoppedInGroups() throws {
    let cluster = Counting()
    let watch = ClusterWatch(cluster, interval: 1)
    try watch.stop((1...250).map(String.init), gently: false)
    #expect(cluster.groups == [100, 100, 50])
  }

  @Test(arguments: [
    ("COMPLETED", JobState.over("COMPLETED")), ("CANCELLED by 1000", .over("CANCELLED")),
    ("CANCELLED+", .over("CANCELLED")),
    ("PENDING", .waiting), ("REQUEUED", .waiting), ("COMPLETING", .running), ("UNKNOWN", .unclear("UNKNOWN")),
    ("COMPLETED BY CHANCE", .unclear("COMPLETED BY CHANCE")),
  ])
  func statesAreReadByTheirWord(_ text: String, _ state: JobState) { #expect(Slurm.state(text) == state) }

  @Test func withoutSlurmNothingStarts() {
    #expect(throws: ClusterError.missing(program: "sbatch", cluster: "Slurm")) {
      try Slurm(environment: ["PATH": "/nowhere"]).check()
    }
  }
}

/// Submits, and breaks off before it says so, as a run does that is killed.
private struct Forgetful: Cluster {
  let cluster: Slurm
  var name: String { cluster.name }
  func check() throws(ClusterError) {}
  func submit(_ job: ClusterJob) throws(ClusterError) -> String {
    _ = try cluster.submit(job)
    throw .refused(node: job.node, cluster: name, words: "killed")
  }
  func find(_ name: String) throws(ClusterError) -> String? { nil }
  func ask(_ jobs: [String]) throws(ClusterError) -> [String: JobState] { [:] }
  func stop(_ jobs: [String], gently: Bool) throws(ClusterError) {}
  func explain(_ job: String) -> String? { nil }
}

/// Counts the jobs that are stopped at a time.
private final class Counting: Cluster, @unchecked Sendable {
  // Touched by one thread.
  var groups: [Int] = []
  let name = "Counting"
  func check() throws(ClusterError) {}
  func submit(_ job: ClusterJob) throws(ClusterError) -> String { "" }
  func find(_ name: String) throws(ClusterError) -> String? { nil }
  func ask(_ jobs: [String]) throws(ClusterError) -> [String: JobState] { [:] }
  func stop(_ jobs: [String], gently: Bool) throws(ClusterError) { groups.append(jobs.count) }
  func explain(_ job: String) -> String? { nil }
}
