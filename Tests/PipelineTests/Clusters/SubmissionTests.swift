import Foundation
import Pipeline
import TestKit
import Testing

/// Which jobs a pipeline becomes that is handed over as a whole.
struct SubmissionTests {
  private let workspace: ToyWorkspace

  init() throws { workspace = try ToyWorkspace() }

  private func submission(_ text: String, _ expectations: Expectations = { _, _ in [:] }) throws -> Submission {
    let pipeline = try workspace.pipeline(text)
    let plan = try Planner(store: workspace.store).plan(pipeline, expectations: expectations)
    return Submission(pipeline, plan, cores: 8, id: "20260101-000000000-abcdef", since: 0)
  }

  static let diamond = """
    pipeline: diamond
    nodes:
      a: {type: toy_text, text: quiet, count_in: COUNT}
      left: {type: toy_heavy, of: a, memory: 100MiB, count_in: COUNT}
      head: {type: toy_head, of: left, letters: 2, count_in: COUNT}
      right: {type: toy_heavy, of: head, timeout: 90, count_in: COUNT}
      other: {type: toy_slow, steps: 2, pause: 0.01}
      end: {type: toy_join, parts: [right, other, left], count_in: COUNT}
    outputs: [end]
    """

  @Test func heavyNodesAreJobsAndLightOnesRideAlong() throws {
    let jobs = try submission(Self.diamond).jobs
    #expect(jobs.map(\.node).sorted() == ["end", "left", "other", "right"])
    let byNode = Dictionary(uniqueKeysWithValues: jobs.map { ($0.node, $0) })
    #expect(byNode["left"]?.waitsFor == [] && byNode["left"]?.alongside == ["a"])
    #expect(byNode["right"]?.waitsFor == ["left"] && byNode["right"]?.alongside == ["head"])
    #expect(Set(byNode["end"]?.waitsFor ?? []) == ["left", "right", "other"] && byNode["end"]?.alongside == [])
    #expect(byNode["end"]?.cores == 1 && byNode["left"]?.cores == 8)
    #expect(byNode["left"]?.demand == JobDemand(memory: 100 << 20))
    #expect(byNode["right"]?.demand == JobDemand(seconds: 90, isLimit: true))
    for (number, job) in jobs.enumerated() { #expect(job.name == "0\(number + 1)-\(job.node)") }
  }

  @Test func whatIsCachedIsNoJob() throws {
    var options = RunOptions()
    options.targets = ["left"]
    try workspace.run(Self.diamond, options: options)
    let jobs = try submission(Self.diamond).jobs
    #expect(jobs.map(\.node).sorted() == ["end", "other", "right"])
    #expect(jobs.first { $0.node == "right" }?.waitsFor == [])
    try workspace.run(Self.diamond)
    #expect(try submission(Self.diamond).jobs.isEmpty)
  }

  @Test func theSameWorkIsOneJob() throws {
    let jobs = try submission(
      """
      pipeline: same
      nodes:
        a: {type: toy_text, text: quiet}
        one: {type: toy_heavy, of: a}
        two: {type: toy_heavy, of: a}
        end: {type: toy_heavy, of: two}
      outputs: [one, end]
      """
    ).jobs
    #expect(jobs.count == 2 && jobs.last?.node == "end" && jobs.last?.waitsFor == [jobs.first?.node ?? ""])
  }

  @Test func whatPastRunsTookIsAskedFor() throws {
    let jobs = try submission(Self.diamond) { _, nodes in
      Dictionary(
        uniqueKeysWithValues: nodes.map {
          ($0.name, Expectation(seconds: 1000, peakMemory: 400 << 20, basis: .sameNode))
        })
    }.jobs
    #expect(jobs.first { $0.node == "other" }?.demand == JobDemand(memory: 756 << 20, seconds: 4000))
    #expect(jobs.first { $0.node == "left" }?.demand == JobDemand(memory: 100 << 20, seconds: 4000))
  }

  @Test func namesAreWhatClustersTake() throws {
    let node = "Some_Node-with-a-very_long-name"
    let job = try #require(try submission("pipeline: p\nnodes:\n  \(node): {type: toy_slow, steps: 1}\n").jobs.first)
    #expect(job.name == "01-some-node-with-a-very-long")
  }
}
