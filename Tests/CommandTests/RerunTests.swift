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

  /// What a clock measures is shown and is not part of the artefact.
  @Test func aForcedTrainingMakesTheSameBytes() throws {
    let project = try Project()
    try project.edit("outputs: [", "outputs: [sft.metrics, ")
    try project.anneal("run", "pipeline.yaml")
    func shown() throws -> [JSON] {
      try String(contentsOfFile: project.folder.path("results/tiny/sft/metrics.jsonl"), encoding: .utf8)
        .split(separator: "\n").map { try JSON(parsing: String($0)) }
    }
    let first = (try shown(), try project.digest("sft", "metrics"), try project.digest("sft", "model"))
    #expect(first.0.contains { ($0["tokens_per_second"]?.double ?? 0) > 0 }, "\(first.0)")
    for _ in 0..<2 {
      let outcome = try project.anneal("run", "pipeline.yaml", "--force", "sft")
      #expect(outcome.code == 0)
      #expect(outcome.messages.contains("sft: made the same bytes as the result under its key"), "\(outcome.messages)")
      #expect(!outcome.messages.contains("other bytes"))
    }
    #expect(try project.digest("sft", "metrics") == first.1)
    #expect(try project.digest("sft", "model") == first.2)
    let speeds = { (records: [JSON]) in records.compactMap { $0["tokens_per_second"]?.double } }
    let now = try shown()
    #expect(speeds(now).count == speeds(first.0).count && speeds(now) != speeds(first.0), "the new speeds are shown")
    let node = try #require(try project.shown()["nodes"]?.array?.first { $0["name"]?.string == "sft" })
    let path = try #require(node["outputs"]?["metrics"]?["paths"]?["metrics.jsonl"]?.string)
    #expect(try String(contentsOfFile: path, encoding: .utf8).contains("tokens_per_second"))
    #expect(try project.anneal("cache", "verify").code == 0)
    #expect(try project.anneal("cache", "gc", "--grace", "0").code == 0)
    #expect(try project.anneal("run", "pipeline.yaml").code == 0)
    #expect(try project.states()["sft"] == "cached")
  }

  @Test func lightNodesTellTheMemoryOfTheirProcess() throws {
    let project = try Project()
    try project.anneal("run", "pipeline.yaml")
    let nodes = try project.shown()["nodes"]?.array ?? []
    func memory(_ name: String) -> (bytes: Int, of: String?) {
      let node = nodes.first { $0["name"]?.string == name }
      return (node?["peak_memory"]?.int ?? 0, node?["peak_memory_of"]?.string)
    }
    let light = memory("chat")
    #expect(light.bytes > 1 << 20 && light.bytes < 4 << 30 && light.of == "run", "\(light)")
    #expect(memory("sft").bytes > 1 << 20 && memory("sft").of == "worker")
    #expect(try project.anneal("show").output.contains("≤ "))
  }

  /// What decides the bits is in the key: kernels of another kind of processor make a node of their own.
  @Test func otherKernelsHaveOtherKeys() throws {
    let project = try Project()
    try project.edit("{type: load_model, from: \"${base}\"}", "{type: load_model, from: \"${base}\", compute: f32}")
    func key(_ kernels: String?) throws -> String? {
      let environment = kernels.map { ["ANNEAL_CPU": $0] } ?? [:]
      let outcome = try project.anneal("plan", "pipeline.yaml", "--json", environment: environment)
      let nodes = try JSON(parsing: outcome.output)["nodes"]?.array ?? []
      return nodes.first { $0["type"]?.string == "load_model" }?["plan_key"]?.string
    }
    let own = try #require(try key(nil))
    #expect(try key("scalar") != own)
    #expect(try key("scalar") == key("scalar"))
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
    #expect(try project.log("chat").contains(" record groups rendered; the others were known"))
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
