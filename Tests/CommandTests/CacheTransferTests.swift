import Foundation
import PreciseJSON
import TestKit
import Testing

/// Results that are moved without a run, counted, and made again for comparison.
@Suite("Caches without a run") struct CacheTransferTests {
  private func project() throws -> Project {
    let project = try Project(rows: 20)
    try project.edit(
      "epochs: 3, batch_size: 2, learning_rate: 1e-3, save_every: 1", "max_steps: 2, learning_rate: 1e-3")
    try project.edit("outputs: [quality, release]", "outputs: [quality]")
    return project
  }

  @Test("what one store has is pushed, and pulled into another, where nothing runs then")
  func transfer() throws {
    let project = try project()
    let (cache, other) = (project.folder.path("cache"), project.folder.path("other"))
    let early = try project.anneal("cache", "push", "pipeline.yaml", "--cache", cache)
    #expect(early.code == 0 && early.output.contains("not there"), "\(early.output)\(early.messages)")
    #expect(try project.anneal("run", "pipeline.yaml").code == 0)
    let pushed = try project.anneal("cache", "push", "pipeline.yaml", "--cache", cache)
    #expect(pushed.code == 0 && !pushed.output.contains("not there"), "\(pushed.output)\(pushed.messages)")
    let pulled = try project.anneal(
      "cache", "pull", "pipeline.yaml", "tokens", "--cache", "ro:" + cache, "--store", other)
    #expect(pulled.code == 0 && pulled.output.contains("from `\(cache)`"), "\(pulled.output)\(pulled.messages)")
    #expect(!pulled.output.contains("sft"))
    #expect(try project.anneal("cache", "pull", "pipeline.yaml", "--cache", "ro:" + cache, "--store", other).code == 0)
    let run = try project.anneal("run", "pipeline.yaml", "--store", other)
    #expect(run.code == 0 && run.messages.contains("8 cached"), "\(run.messages)")
    let again = try project.anneal("cache", "pull", "pipeline.yaml", "--cache", "ro:" + cache, "--store", other)
    #expect(again.output.contains("in the store already"))
    let none = try project.anneal("cache", "pull", "pipeline.yaml", "--no-remote")
    #expect(none.code == 2 && none.messages.contains("There is no cache to ask"), "\(none.messages)")
    let dead = try project.anneal("cache", "push", "pipeline.yaml", "--cache", "http://127.0.0.1:1")
    #expect(dead.code == 1 && dead.output.contains("failed: "), "\(dead.output)\(dead.messages)")
  }

  @Test("what goes stale, or has no version, is neither pushed nor pulled")
  func resultsOfOneStore() throws {
    let project = try Project(rows: 1)
    try project.folder.write(
      """
      pipeline: own
      nodes:
        news: {type: exec, command: [sh, -c, "date +%N > outputs/out/x"], outputs: {out: files}, fresh_for: 1d, version: 1}
        each: {type: exec, command: [sh, -c, "echo > outputs/out/x"], outputs: {out: files}}
        kept: {type: exec, command: [sh, -c, "echo > outputs/out/x"], outputs: {out: files}, version: 1}
      """, to: "own.yaml")
    #expect(try project.anneal("run", "own.yaml").code == 0)
    let cache = project.folder.path("cache")
    for (command, kept) in [("push", "kept  1 B"), ("pull", "kept  1 B from")] {
      let outcome = try project.anneal(
        "cache", command, "own.yaml", "--cache", cache,
        environment: command == "pull" ? ["ANNEAL_STORE": project.folder.path("other")] : [:])
      #expect(outcome.code == 0 && outcome.output.contains(kept), "\(outcome.output)\(outcome.messages)")
      for name in ["news", "each"] {
        #expect(
          outcome.output.contains("\(name)  stays here: others cannot tell whether it holds"), "\(outcome.output)")
      }
    }
    #expect(try FileManager.default.subpathsOfDirectory(atPath: cache + "/ac").filter { $0.contains("/") }.count == 1)
  }

  @Test("what was cut short in a cache is put there anew, and switches nothing off")
  func damagedResults() throws {
    let project = try project()
    let cache = project.folder.path("cache")
    #expect(try project.anneal("run", "pipeline.yaml", "--cache", cache).code == 0)
    func files() throws -> [String: Data] {
      let paths = try FileManager.default.subpathsOfDirectory(atPath: cache).filter { $0.count > 60 }
      return try Dictionary(
        uniqueKeysWithValues: paths.map { ($0, try Data(contentsOf: URL(fileURLWithPath: "\(cache)/\($0)"))) })
    }
    func cutShort() throws {
      for (path, bytes) in try files() {
        try FileManager.default.removeItem(atPath: "\(cache)/\(path)")
        try bytes.dropLast().write(to: URL(fileURLWithPath: "\(cache)/\(path)"))
      }
    }
    let whole = try files()
    try cutShort()
    let pushed = try project.anneal("cache", "push", "pipeline.yaml", "--cache", cache)
    #expect(pushed.code == 0, "\(pushed.output)\(pushed.messages)")
    #expect(try files() == whole)
    // By whoever finds it so while looking for results.
    try cutShort()
    let other = ["ANNEAL_STORE": project.folder.path("other")]
    let run = try project.anneal("run", "pipeline.yaml", "--cache", cache, environment: other)
    #expect(
      run.code == 0 && run.messages.contains(" results of the cache `\(cache)` cannot be used"), "\(run.messages)")
    #expect(!run.messages.contains("left alone") && !run.messages.contains("not shared"), "\(run.messages)")
    let third = ["ANNEAL_STORE": project.folder.path("third")]
    #expect(try project.anneal("run", "pipeline.yaml", "--cache", cache, environment: third).code == 0)
    #expect(try project.ran().isEmpty)
  }

  @Test("the store says who holds on to how much")
  func usage() throws {
    let project = try project()
    #expect(try project.anneal("cache", "du").messages == "The store is empty.\n")
    #expect(try project.anneal("run", "pipeline.yaml").code == 0)
    try project.edit("pipeline: tiny", "pipeline: other")
    try project.edit("rank: 4}", "rank: 8}")
    #expect(try project.anneal("run", "pipeline.yaml").code == 0)
    let rows = try JSON(parsing: project.anneal("cache", "du", "--json").output).array ?? []
    #expect(Set(rows.compactMap { $0["pipeline"]?.string }) == ["tiny", "other"], "\(rows)")
    for row in rows where row["pipeline"]?.string != nil {
      let (size, own) = (row["size"]?.int ?? 0, row["own_size"]?.int ?? 0)
      #expect(own > 0 && own < size && (row["results"]?.int ?? 0) >= 8 && row["runs"]?.int == 1, "\(row)")
    }
  }

  @Test("results are made again and compared, and one that differs is found")
  func rerun() throws {
    let project = try project()
    #expect(try project.anneal("run", "pipeline.yaml").code == 0)
    let same = try project.anneal("cache", "verify", "--rerun", "20")
    #expect(same.code == 0, "\(same.messages)")
    #expect(same.output.components(separatedBy: "the same bytes").count == 9, "\(same.output)")
    let id = try #require(try JSON(parsing: project.anneal("show", "--json").output)["id"]?.string)
    let path = project.folder.path(".anneal/runs/\(id)/run.json")
    let text = try String(contentsOfFile: path, encoding: .utf8)
    let record = try JSON(parsing: text)
    let sft = record["nodes"]?.array?.first { $0["name"]?.string == "sft" }
    let digest = try #require(sft?["outputs"]?["model"]?["digest"]?.string)
    try text.replacingOccurrences(of: digest, with: String(digest.reversed())).write(
      toFile: path, atomically: true, encoding: .utf8)
    let differing = try project.anneal("cache", "verify", "--rerun", "20", "--json")
    #expect(differing.code == 1, "\(differing.output)")
    let found = try JSON(parsing: differing.output).array ?? []
    #expect(found.filter { $0["same"]?.bool == false }.compactMap { $0["node"]?.string } == ["sft"], "\(found)")
    #expect(try project.anneal("cache", "verify", "--rerun", "0").code == 2)
    #expect(try project.anneal("cache", "verify", "--rerun", "1", "--repair").code == 2)
  }
}
