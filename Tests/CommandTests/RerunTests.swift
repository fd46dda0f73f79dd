import Foundation
import PreciseJSON
import TestKit
import Testing

/// What runs again after a change, and what does not.
@Suite(.serialized) struct RerunTests {
  @Test func aSecondRunFindsEverything() throws {
    let project = try Project()
    let first = try project.anneal("run", "pipeline.yaml")
    #expect(first.code == 0, "\(first.messages)")
    #expect(try project.states().values.allSatisfy { $0 == "ran" })
    #expect(try project.anneal("run", "pipeline.yaml").code == 0)
    #expect(try project.states().values.allSatisfy { $0 == "cached" })
    for file in ["quality/metrics.json", "release/model.safetensors", "release/tokenizer.json"] {
      #expect(FileManager.default.fileExists(atPath: project.folder.path("results/tiny/\(file)")), "\(file)")
    }
  }

  @Test func theLearningRateRerunsTrainingAndBelow() throws {
    let project = try Project()
    try project.anneal("run", "pipeline.yaml")
    try project.edit("1e-3", "2e-3")
    let why = try project.anneal("why", "pipeline.yaml", "sft")
    #expect(why.output.contains("learning_rate"), "\(why.output)\(why.messages)")
    try project.anneal("run", "pipeline.yaml")
    #expect(try project.ran() == ["sft", "quality", "merged", "release"])
  }

  @Test func commentsOrderAndNamesChangeNothing() throws {
    let project = try Project()
    try project.anneal("run", "pipeline.yaml")
    try project.edit("nodes:\n", "# a comment\nnodes:\n")
    try project.edit(
      "{type: evaluate, model: sft, data: tokens.validation}", "{data: tokens.validation, model: sft, type: evaluate}")
    try project.edit("merged", "joined")
    try project.edit("1e-3", "0.0010")
    #expect(try project.anneal("run", "pipeline.yaml").code == 0)
    #expect(try project.ran() == [])
    #expect(try project.states()["joined"] == "cached")
  }

  @Test func appendedRowsTokeniseTheLastGroupsAlone() throws {
    let project = try Project()
    func row(_ number: Int) -> String {
      #"{"prompt":"What is \#(number) plus one?","completion":"It is \#(number + 1)."}"#
    }
    try project.write(rows: (0..<3000).map(row))
    try project.edit("epochs: 3", "max_steps: 2")
    #expect(try project.anneal("run", "pipeline.yaml").code == 0)
    let before = try heldOut(project)
    try project.write(rows: (0..<3010).map(row))
    #expect(try project.anneal("run", "pipeline.yaml").code == 0)
    let line = try #require(
      try project.log("tokens").split(separator: "\n").first { $0.contains("record groups tokenised") })
    let numbers = line.split(whereSeparator: { !$0.isNumber }).compactMap { Int($0) }.suffix(2)
    #expect((numbers.first ?? .max) <= 2, "\(line)")
    #expect((numbers.last ?? 0) > 3, "\(line)")
    let after = try heldOut(project)
    #expect(after >= before && after <= before + 10)
  }

  /// How many rows are held out.
  private func heldOut(_ project: Project) throws -> Int {
    let line = try #require(try project.log("tokens").split(separator: "\n").first { $0.contains("held out") })
    return line.split(whereSeparator: { !$0.isNumber }).compactMap { Int($0) }.last ?? -1
  }

  @Test func aFieldThatTheFormatDropsChangesNothingBelow() throws {
    let project = try Project()
    try project.write(rows: (0..<30).map { #"{"prompt":"Q\#($0)","completion":"A\#($0)","note":"old"}"# })
    try project.anneal("run", "pipeline.yaml")
    try project.write(rows: (0..<30).map { #"{"prompt":"Q\#($0)","completion":"A\#($0)","note":"new"}"# })
    #expect(try project.anneal("run", "pipeline.yaml").code == 0)
    #expect(try project.ran() == ["rows"])
  }
}
