import Foundation
import PreciseJSON
import TestKit
import Testing

/// A matrix as a user has it: shared nodes run once, what was done is not done again, members stand beside each other.
@Suite("A matrix by the program") struct SweepCommandTests {
  private func project(_ matrix: String) throws -> Project {
    let project = try Project(rows: 20)
    try project.edit(
      "pipeline: tiny\nparams:", "pipeline: tiny\nmatrix: \(matrix)\nparams:\n  rate: 0\n  rank: 0\n  seed: 0")
    try project.edit("rank: 4}", "rank: \"${rank}\"}")
    try project.edit(
      "epochs: 3, batch_size: 2, learning_rate: 1e-3, save_every: 1",
      "max_steps: 1, learning_rate: \"${rate}\", seed: \"${seed}\"")
    try project.edit("outputs: [quality, release]", "outputs: [quality]")
    return project
  }

  @Test("members share what is before them, and are compared")
  func aSweep() throws {
    let project = try project("{grid: {rate: [0.001, 0.01], rank: [2, 4]}, seeds: 2}")
    let run = try project.anneal("run", "pipeline.yaml")
    #expect(run.code == 0, "\(run.messages)")
    let ran = try project.ran()
    // Five nodes that no member changes, an adapter for each rank, a training and an evaluation for each member.
    #expect(ran.count == 5 + 2 + 8 + 8, "\(ran)")
    #expect(ran.contains("lora@rank=2") && ran.contains("quality@rate=0.01,rank=4,seed=2"))

    let shown = try project.anneal("sweep", "--by", "quality.loss")
    #expect(shown.code == 0, "\(shown.messages)")
    let lines = shown.output.split(separator: "\n").map(String.init)
    #expect(lines.count == 9, "\(shown.output)")
    #expect(lines[0].hasPrefix("rate   rank  seed"), "\(shown.output)")
    let table = try JSON(parsing: project.anneal("sweep", "--format", "json", "--by", "quality.loss").output)
    let losses = (table.array ?? []).compactMap { $0["metrics"]?["quality.loss"]?.double }
    #expect(losses.count == 8 && losses == losses.sorted())
    let means = try JSON(parsing: project.anneal("sweep", "--format", "json", "--over", "seed").output).array ?? []
    #expect(means.count == 4 && means.allSatisfy { $0["members"]?.int == 2 })
    #expect(means.allSatisfy { ($0["deviations"]?["quality.loss"]?.double ?? -1) >= 0 })
    let csv = try project.anneal("sweep", "--format", "csv").output.split(separator: "\n")
    #expect(csv.count == 9 && csv[0].hasPrefix("rate,rank,seed,"))
    let picture = try project.anneal("sweep", "--format", "svg", "--by", "quality.loss").output
    #expect(picture.components(separatedBy: "<polyline").count == 9)

    // A value more: what was done is there.
    try project.edit("rate: [0.001, 0.01]", "rate: [0.001, 0.01, 0.1]")
    #expect(try project.anneal("run", "pipeline.yaml").code == 0)
    #expect(try project.ran().count == 4 + 4)
    let one = try project.anneal("run", "pipeline.yaml", "--set", "matrix.grid.rank=[4]", "sft")
    #expect(one.code == 0, "\(one.messages)")
    #expect(try project.ran().isEmpty)
    let misspelt = try project.anneal("sweep", "--by", "quality.los")
    #expect(misspelt.code == 2 && misspelt.messages.contains("There is no metric of the members `quality.los`"))
  }

  @Test("a run without a matrix says so")
  func noMatrix() throws {
    let project = try Project(rows: 20)
    #expect(try project.anneal("run", "pipeline.yaml", "tokens").code == 0)
    let shown = try project.anneal("sweep")
    #expect(shown.code == 2 && shown.messages.contains("of `tiny` has no matrix"), "\(shown.messages)")
  }
}
