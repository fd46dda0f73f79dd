import Diagnostics
import Foundation
import Pipeline
import PreciseJSON
import Synchronization
import TestKit
import Testing

/// A run on a Ray cluster that is a fake: what clusters are known to do to runs, one after the other.
@Suite(.enabled(if: toyEngine() != nil, "the program `ToyEngine` was not built"), .serialized)
struct RayTests {
  private let ray: FakeRay

  init() throws { ray = try FakeRay(#require(toyEngine())) }

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

  private let slow = "pipeline: slow\nnodes:\n  slow: {type: toy_slow, steps: 40, pause: 0.1, count_in: COUNT}\n"

  private func failure(_ fields: String = "") throws -> (summary: String, reason: String, advice: String) {
    let problem = try #require(try ray.run(heavy(fields))["loud"]?.problems.first)
    return (problem.summary, problem.reason ?? "", problem.advice ?? "")
  }

  private var requests: [JSON] { ray.state.withLock { $0.requests } }

  @Test func aHeavyNodeIsAJob() throws {
    let summary = try ray.workspace.run(
      heavy(), heavy: ray.executor(try ray.cluster(["ANNEAL_CPU": "scalar", "OTHER": "x"])))
    #expect(summary.state == .done, "\(summary.nodes.flatMap(\.problems))")
    #expect(try ray.workspace.text(summary, "end") == "QUIET")
    let request = try #require(requests.first)
    #expect(requests.count == 1 && request["entrypoint_memory"]?.int == 100 << 20)
    #expect(request["entrypoint_num_cpus"]?.int ?? 0 > 0)
    #expect(request["runtime_env"] == ["env_vars": ["ANNEAL_CPU": "scalar"]])
    let log = try String(contentsOfFile: ray.workspace.folder.path("loud.log"), encoding: .utf8)
    #expect(log.contains("a line on standard error") && log.contains("working") && log.contains("Ray job anneal-"))
    #expect(try FileSystem().names(in: ray.workspace.store.path + "/tmp").allSatisfy { !$0.hasPrefix("anneal-") })
    #expect(try ray.run(heavy())["loud"]?.state == .cached)
  }

  @Test func aJobThatIsLostIsNoSuccess() throws {
    ray.state.withLock { $0.instead = (nil, nil) }
    let failure = try failure()
    #expect(failure.summary.hasSuffix("of node `loud` is not known any more and left no result"))
    #expect(failure.reason == "Ray does not say why")
  }

  @Test func aJobThatEndsWellWithoutAResultIsNoSuccess() throws {
    let failure = try failure(", exit_code: 0")
    #expect(failure.summary.hasSuffix("of node `loud` ended as SUCCEEDED and left no result"), "\(failure)")
    #expect(failure.reason == "Ray says: exit code 0, Job finished successfully.")
  }

  @Test func aJobForWhichThereIsNoRoomSaysWhatToDo() throws {
    ray.state.withLock { $0.instead = ("FAILED", "JOB_SUPERVISOR_ACTOR_START_TIMEOUT") }
    let failure = try failure()
    #expect(failure.reason == "Ray says: JOB_SUPERVISOR_ACTOR_START_TIMEOUT, What Ray says")
    #expect(failure.advice.contains("RAY_JOB_START_TIMEOUT_SECONDS"))
  }

  @Test func aJobThatSomebodyStoppedFailsTheAttemptAndARetryGoesOn() throws {
    ray.state.withLock { $0.instead = ("STOPPED", nil) }
    let summary = try ray.run(heavy(", retries: 1"))
    #expect(summary.state == .done && requests.count == 2, "\(summary.nodes.flatMap(\.problems))")
    // What had ended under the job's name made room.
    #expect(ray.state.withLock { $0.words.contains { $0.hasPrefix("DELETE /api/jobs/anneal-") } })
  }

  @Test func anAnswerThatIsLostSubmitsNothingTwice() throws {
    ray.state.withLock { $0.lostAnswers = 1 }
    let summary = try ray.run(heavy(", pause: 1"))
    #expect(summary.state == .done && requests.count == 1, "\(summary.nodes.flatMap(\.problems))")
  }

  @Test func aHeadThatIsAwayForAMomentIsAwaited() throws {
    ray.state.withLock { $0.silent = 3 }
    #expect(try ray.run(heavy(", pause: 0.5")).state == .done)
  }

  @Test func aNodeThatTakesTooLongIsEnded() throws {
    let text = slow.replacingOccurrences(of: "steps: 40", with: "steps: 200, timeout: 1")
    let problem = try #require(try ray.run(text)["slow"]?.problems.first)
    #expect(problem.reason?.hasPrefix("Ray says: TIMEOUT, exit code 124") == true, "\(problem)")
    #expect(problem.advice?.hasPrefix("give the node a longer `timeout`") == true)
  }

  @Test func aWishToStopLetsTheJobSave() throws {
    let cancellation = Cancellation()
    DispatchQueue.global().asyncAfter(deadline: .now() + 0.6) { cancellation.request() }
    let summary = try ray.run(slow, cancellation: cancellation)
    #expect(summary["slow"]?.state == .interrupted, "\(summary.nodes.flatMap(\.problems))")
    let done = try ray.workspace.executed().count
    #expect(done > 0 && done < 40)
    #expect(ray.state.withLock { $0.words.allSatisfy { !$0.hasSuffix("/stop") } })
    #expect(try ray.run(slow).state == .done)
    #expect(try ray.workspace.executed().count == 40 - done)
  }

  @Test func aSecondWishStopsAtOnce() throws {
    let cancellation = Cancellation()
    for delay in [0.6, 0.7] {
      DispatchQueue.global().asyncAfter(deadline: .now() + delay) { cancellation.request() }
    }
    let text = slow.replacingOccurrences(of: "pause: 0.1", with: "pause: 5")
    #expect(try ray.run(text, cancellation: cancellation)["slow"]?.state == .interrupted)
    #expect(ray.state.withLock { $0.words.contains { $0.hasSuffix("/stop") } })
  }

  @Test func withoutRayNothingStarts() throws {
    #expect(throws: ClusterError.badAddress("nowhere", cluster: "Ray")) { try Ray(address: "nowhere") }
    let none = try Ray(address: "http://127.0.0.1:1", environment: [:], patience: 1)
    #expect(throws: ClusterError.self) { try none.check() }
    try ray.cluster().check()
    // Where jobs are handed over is what Ray's own programs are told.
    try Ray(environment: ["RAY_API_SERVER_ADDRESS": ray.server.address, "RAY_ADDRESS": "ray://x:1"]).check()
  }
}
