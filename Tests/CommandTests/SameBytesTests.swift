import Foundation
import PreciseJSON
import TestKit
import Testing

/// The same work gives the same bytes, however it came about.
@Suite(.serialized) struct SameBytesTests {
  @Test func threadsChangeNoByte() throws {
    let project = try Project()
    var digests: Set<String> = []
    for threads in 1...3 {
      let store = ["ANNEAL_STORE": project.folder.path("store-\(threads)")]
      let outcome = try project.anneal(
        "run", "pipeline.yaml", "--set", "nodes.sft.threads=\(threads)", environment: store)
      #expect(outcome.code == 0, "\(outcome.messages)")
      digests.insert(try project.digest("sft", "model"))
    }
    #expect(digests.count == 1)
  }

  @Test func killedThreeTimesIsAsNeverKilled() throws {
    let project = try Project()
    try project.edit("epochs: 3", "epochs: 40")
    let whole = try project.anneal("run", "pipeline.yaml", environment: ["ANNEAL_STORE": project.folder.path("other")])
    #expect(whole.code == 0, "\(whole.messages)")
    let expected = try project.digest("sft", "model")
    var kills = 0
    for delay in [0.35, 0.6, 0.9] {
      let (process, finish) = try project.start(["run", "pipeline.yaml"])
      Thread.sleep(forTimeInterval: delay)
      if process.isRunning {
        kill(process.processIdentifier, SIGKILL)
        kills += 1
      }
      _ = finish()
    }
    #expect(kills > 0)
    #expect(try project.anneal("run", "pipeline.yaml").code == 0)
    #expect(try project.digest("sft", "model") == expected)
  }

  @Test func terminatedItSavesAndGoesOn() throws {
    let project = try Project()
    try project.edit("epochs: 3", "epochs: 300")
    let (process, finish) = try project.start(["run", "pipeline.yaml"])
    // Wait until training has started.
    let deadline = Date().addingTimeInterval(60)
    let checkpoints = project.folder.path("store/checkpoints")
    while Date() < deadline,
      (try? FileManager.default.subpathsOfDirectory(atPath: checkpoints))?.contains(where: {
        $0.contains("checkpoint-")
      }) != true
    { Thread.sleep(forTimeInterval: 0.02) }
    kill(process.processIdentifier, SIGTERM)
    let stopped = finish()
    #expect(stopped.code == 75, "\(stopped.messages)")
    #expect(try project.states()["sft"] == "interrupted")
    #expect(try project.anneal("run", "pipeline.yaml").code == 0)
    #expect(try project.log("sft").contains("goes on after step"))
    let resumed = try project.digest("sft", "model")
    #expect(
      try project.anneal("run", "pipeline.yaml", environment: ["ANNEAL_STORE": project.folder.path("other")]).code == 0)
    #expect(try project.digest("sft", "model") == resumed)
  }

  @Test func twoRunsAtOnceDoEverythingOnce() throws {
    let project = try Project()
    let (_, first) = try project.start(["run", "pipeline.yaml"])
    let (_, second) = try project.start(["run", "pipeline.yaml"])
    #expect(first().code == 0)
    #expect(second().code == 0)
    let runs = try FileManager.default.contentsOfDirectory(atPath: project.folder.path(".anneal/runs"))
      .filter { !$0.contains(".sqlite") }
    #expect(runs.count == 2)
    var times: [String: Int] = [:]
    for run in runs {
      for node in try project.shown(run)["nodes"]?.array ?? [] where node["state"]?.string == "ran" {
        times[node["name"]?.string ?? "", default: 0] += 1
      }
    }
    #expect(times.count == 10)
    #expect(times.values.allSatisfy { $0 == 1 }, "\(times)")
  }

  @Test func aFlippedByteInAnyBlobIsHealed() throws {
    let project = try Project(rows: 12)
    try project.edit("epochs: 3", "max_steps: 1")
    #expect(try project.anneal("run", "pipeline.yaml").code == 0)
    let expected = try project.digest("release", "folder")
    for blob in try project.blobs() {
      try project.flipByte(blob)
      let outcome = try project.anneal("run", "pipeline.yaml")
      #expect(outcome.code == 0, "\(blob): \(outcome.messages)")
      #expect(try project.digest("release", "folder") == expected)
      // A blob that nothing of this pipeline reads again is found by a look at all of them.
      #expect(try project.anneal("cache", "verify", "--repair").code == 0)
      #expect(try project.anneal("cache", "verify").code == 0)
    }
  }
}
