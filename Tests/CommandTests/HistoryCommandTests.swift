import Foundation
import PreciseJSON
import TestKit
import Testing

/// What commands tell about runs that are over: differences, their causes, pages, lineage, and the same bytes again.
@Suite("What runs tell afterwards") struct HistoryCommandTests {
  /// A project with two runs: another rank, another rate, three rows more.
  private func project() throws -> (project: Project, old: String, new: String) {
    let project = try Project(rows: 20)
    try project.edit(
      "epochs: 3, batch_size: 2, learning_rate: 1e-3, save_every: 1", "max_steps: 4, learning_rate: 1e-3")
    try project.edit("outputs: [quality, release]", "outputs: [quality]")
    #expect(try project.anneal("run", "pipeline.yaml").code == 0)
    let old = try identifier(project)
    try project.edit("rank: 4}", "rank: 8}")
    try project.edit("learning_rate: 1e-3", "learning_rate: 2e-2")
    try project.write(rows: Project.lines.prefix(23).map { $0 })
    #expect(try project.anneal("run", "pipeline.yaml").code == 0)
    return (project, old, try identifier(project))
  }

  private func identifier(_ project: Project) throws -> String {
    try #require(try JSON(parsing: project.anneal("show", "--json").output)["id"]?.string)
  }

  @Test("two runs are compared: what changed, what follows, and the numbers")
  func differences() throws {
    let (project, old, new) = try project()
    let shown = try project.anneal("diff", old, new)
    #expect(shown.code == 0, "\(shown.messages)")
    for line in [
      "lora: Field `rank` changed from 4 to 8", "sft: Field `learning_rate` changed from 0.001 to 0.02",
      "rows: `data.jsonl` has other content", "tokens: other input from `chat`", "quality: other input from `sft`",
      "the same: model, tokenizer",
    ] { #expect(shown.output.contains(line), "\(shown.output)") }
    let json = try JSON(parsing: project.anneal("diff", old, "--format", "json").output)
    let quality = json["nodes"]?.array?.first { $0["name"]?.string == "quality" }
    #expect(quality?["same_result"]?.bool == false)
    #expect(quality?["metrics"]?["loss"]?["from"]?.double != quality?["metrics"]?["loss"]?["to"]?.double)
    let picture = try project.anneal("diff", old, "--format", "svg").output
    #expect(picture.contains(">A sft</text>") && picture.contains(">B sft</text>"))
    let same = try project.anneal("diff", new, new)
    #expect(!same.output.contains("changed") && same.output.contains("the same: "))
    // Two runs of the same work: a result that is gone is said to be gone.
    let elsewhere = try project.anneal("diff", old, new, "--store", project.folder.path("other"))
    #expect(elsewhere.messages.contains("The store does not have the results of"), "\(elsewhere.messages)")
  }

  @Test("blame makes one change at a time, and they add up")
  func causes() throws {
    let (project, old, new) = try project()
    let planned = try project.anneal("blame", "quality.loss", old, new, "--plan")
    #expect(planned.code == 0, "\(planned.messages)")
    #expect(planned.output.contains("the content of `data.jsonl`"), "\(planned.output)")
    let blamed = try project.anneal("blame", "quality.loss", old, new, "--json")
    #expect(blamed.code == 0, "\(blamed.messages)")
    let json = try JSON(parsing: blamed.output)
    let changes = json["changes"]?.array ?? []
    #expect(
      changes.compactMap { $0["change"]?.string } == [
        "lora.rank: 4 → 8", "sft.learning_rate: 1e-3 → 2e-2", "the content of `data.jsonl`",
      ])
    let effects = changes.compactMap { $0["effect"]?.double }
    #expect(effects.count == 3)
    let (from, to) = (try #require(json["from"]?.double), try #require(json["to"]?.double))
    let together = try #require(json["together"]?.double)
    #expect(abs(effects.reduce(together, +) - (to - from)) < 1e-9)
    // What it ran is no run of the user's: the same question has the same answer, and `last` is what it was.
    let again = try JSON(parsing: project.anneal("blame", "quality.loss", old, "--json").output)
    #expect(again["to"]?.double == to && again["changes"]?.array?.compactMap { $0["effect"]?.double } == effects)
    #expect(try identifier(project) == new)
    let whole = try JSON(parsing: project.anneal("runs", "--all", "--json").output).array ?? []
    let experiments = whole.filter { $0["purpose"]?.string == "blame" }
    #expect(experiments.count == 6 && whole.count == 8)
    #expect(experiments.allSatisfy { $0["file"]?.string == "pipeline.yaml" })
    #expect(try project.anneal("runs").output.split(separator: "\n").count == 3)
    #expect(try project.anneal("runs", "--all").output.contains(/time +for/))
    // A member of what was run by hand comes to the same number.
    let text = try String(contentsOfFile: project.folder.path("pipeline.yaml"), encoding: .utf8)
    try project.folder.write(text.replacingOccurrences(of: "rank: 8", with: "rank: 4"), to: "pipeline.yaml")
    try project.write(rows: Project.lines.prefix(20).map { $0 })
    #expect(try project.anneal("run", "pipeline.yaml").code == 0)
    #expect(try project.ran().isEmpty, "the run that blame made is in the cache")
    let misspelt = try project.anneal("blame", "quality.los", old, new)
    #expect(misspelt.code == 2 && misspelt.messages.contains("try: `quality.loss`"), "\(misspelt.messages)")
  }

  @Test("a change that makes no pipeline alone is made together with the others of its kind")
  func dependentChanges() throws {
    let (project, _, new) = try project()
    try project.edit("model: sft, data: tokens.validation", "model: more, data: tokens.validation")
    try project.edit(
      "  quality:",
      "  more: {type: train, model: sft, data: tokens.train, max_steps: 2, learning_rate: 1e-3}\n  quality:")
    #expect(try project.anneal("run", "pipeline.yaml").code == 0)
    let blamed = try project.anneal("blame", "quality.loss", new, "last", "--json")
    let changes = try JSON(parsing: blamed.output)["changes"]?.array ?? []
    #expect(
      changes.contains { $0["change"]?.string?.contains("quality.model: sft → more") == true }, "\(blamed.output)")
    #expect(changes.contains { $0["effect"]?.double.map { $0 != 0 } == true }, "\(blamed.output)")
  }

  @Test("a run is made again from its record, and its bytes are the same")
  func again() throws {
    let (project, old, new) = try project()
    let made = try project.anneal("reproduce", new, "--json")
    #expect(made.code == 0, "\(made.messages)")
    let nodes = try JSON(parsing: made.output)["nodes"]?.array ?? []
    #expect(nodes.count == 8 && nodes.allSatisfy { $0["same"]?.bool == true }, "\(made.output)")
    #expect(
      try !FileManager.default.contentsOfDirectory(atPath: project.folder.path(".anneal")).contains {
        $0.hasPrefix("reproduce")
      })
    #expect(try identifier(project) == new, "it is no run of the user's")
    let changed = try project.anneal("reproduce", old)
    #expect(changed.code == 2 && changed.messages.contains("`data.jsonl` is not what it was in run \(old)"))
    // Another result in the record is found out.
    let path = project.folder.path(".anneal/runs/\(new)/run.json")
    let text = try String(contentsOfFile: path, encoding: .utf8)
    let record = try JSON(parsing: text)
    let quality = record["nodes"]?.array?.first { $0["name"]?.string == "quality" }
    let digest = try #require(quality?["outputs"]?["metrics"]?["digest"]?.string)
    try text.replacingOccurrences(of: digest, with: String(digest.reversed())).write(
      toFile: path, atomically: true, encoding: .utf8)
    let differing = try project.anneal("reproduce", new)
    #expect(differing.code == 1 && differing.output.contains("differs: `metrics` was"), "\(differing.output)")
    // A run that came to nothing is nothing to compare with.
    try project.folder.write(
      "pipeline: none\nnodes:\n  a: {type: exec, command: [sh, -c, exit 1], outputs: {o: files}}\n", to: "none.yaml")
    #expect(try project.anneal("run", "none.yaml").code == 1)
    let nothing = try project.anneal("reproduce")
    #expect(nothing.code == 2 && nothing.messages.contains("has no results to compare with"), "\(nothing.messages)")
  }

  @Test("a page of a run holds its graph, times, curves, checks and sources")
  func page() throws {
    let (project, _, new) = try project()
    try project.edit("pipeline: tiny", "pipeline: tiny  # <script>alert(1)</script>")
    let made = try project.anneal("report", new, "-o", "run.html")
    #expect(made.code == 0 && made.output == "run.html\n", "\(made.messages)")
    let page = try String(contentsOfFile: project.folder.path("run.html"), encoding: .utf8)
    for piece in [
      "<h2>Graph</h2>", "<h2>Time</h2>", "The run waited for", "<h2>Curves</h2>", "sft: loss", "<h2>Checks</h2>",
      "quality.loss", "data.jsonl", "<h2>Pipeline</h2>", "<h2>Program and machine</h2>",
    ] { #expect(page.contains(piece), "\(piece)") }
    // Nothing of it comes from elsewhere, and nothing runs in it.
    #expect(!page.contains("<script") && !page.contains("href="))
    #expect(
      page.components(separatedBy: "src=").dropFirst().allSatisfy { $0.hasPrefix("\"data:image/svg+xml;base64,") })
    #expect(page.contains("default-src 'none'"))
  }

  @Test("lineage names every file and result by its digest")
  func lineage() throws {
    let (project, _, new) = try project()
    let events = try project.anneal("lineage", new).output.split(separator: "\n").map { try JSON(parsing: String($0)) }
    #expect(events.count == 8 && events.allSatisfy { $0["eventType"]?.string == "COMPLETE" })
    let rows = events.first { $0["job"]?["name"]?.string == "tiny.rows" }
    let source = rows?["inputs"]?.array?.first?["facets"]?["version"]?["datasetVersion"]?.string
    #expect(source?.hasPrefix("sha256:") == true)
    let statement = try JSON(parsing: project.anneal("lineage", new, "--format", "in-toto").output)
    #expect(statement["_type"]?.string == "https://in-toto.io/Statement/v1")
    let subjects = (statement["subject"]?.array ?? []).compactMap { $0["name"]?.string }
    #expect(subjects.contains("quality/metrics/metrics.json"), "\(subjects)")
    let digests = statement["predicate"]?["buildDefinition"]?["resolvedDependencies"]?.array ?? []
    #expect(
      digests.contains {
        $0["uri"]?.string?.hasSuffix("/data.jsonl") == true
          && "sha256:" + ($0["digest"]?["sha256"]?.string ?? "") == source
      })
    let elsewhere = try project.anneal(
      "lineage", new, "--format", "in-toto", "--store", project.folder.path("other"))
    #expect(elsewhere.code == 2 && elsewhere.messages.contains("does not have the results"))
  }

  @Test("runs are found by params and numbers")
  func filters() throws {
    let (project, old, new) = try project()
    func ids(_ arguments: String...) throws -> [String] {
      let outcome = try project.start(["runs", "--json"] + arguments).1()
      #expect(outcome.code == 0, "\(outcome.messages)")
      return (try JSON(parsing: outcome.output).array ?? []).compactMap { $0["id"]?.string }
    }
    let table = try project.anneal("runs", "--columns", "base,quality.loss", "--sort", "quality.loss")
    let lines = table.output.split(separator: "\n")
    #expect(lines.count == 3 && lines[0].hasSuffix("base  quality.loss") && lines[1].hasPrefix(new), "\(table.output)")
    let loss = try #require(
      try JSON(parsing: project.anneal("diff", old, new, "--format", "json").output)["nodes"]?.array?
        .first { $0["name"]?.string == "quality" }?["metrics"]?["loss"]?["to"]?.double)
    #expect(try ids("--where", "quality.loss<=\(loss)") == [new])
    #expect(try ids("--where", "quality.loss>\(loss)", "--where", "base=tiny") == [old])
    #expect(try ids("--where", "base!=tiny").isEmpty)
    #expect(try ids("--state", "failed").isEmpty)
    for (arguments, words) in [
      (["--where", "quality.lss<1"], "There is no param or number of a run `quality.lss`"),
      (["--where", "quality.loss<low"], "`low` in `quality.loss<low` is not a number"),
      (["--where", "quality"], "`quality` is no condition"), (["--state", "ready"], "`--state` is one of"),
      (["--descending"], "`--descending` has no effect without `--sort`"),
    ] {
      let outcome = try project.start(["runs"] + arguments).1()
      #expect(outcome.code == 2 && outcome.messages.contains(words), "\(outcome.messages)")
    }
  }

  @Test("what is sent about a fault holds no word of the data")
  func bugReport() throws {
    let (project, _, new) = try project()
    let made = try project.anneal("report-bug", new, "-o", "bug")
    #expect(made.code == 0, "\(made.messages)")
    let folder = project.folder.path("bug")
    for name in ["run.json", "events.jsonl", "pipeline.yaml", "machine.json", "logs/sft.log", "data/data.jsonl"] {
      #expect(FileManager.default.fileExists(atPath: folder + "/" + name), "\(name)")
    }
    let rows = try String(contentsOfFile: folder + "/data/data.jsonl", encoding: .utf8)
    let first = try JSON(parsing: String(rows.split(separator: "\n")[0]))
    #expect(first["messages"]?.array?.first?["role"]?.string == "system")
    let content = first["messages"]?.array?.first?["content"]?.string ?? ""
    #expect(!content.isEmpty && content.allSatisfy { !$0.isLetter || "xX".contains($0) }, "\(content)")
    #expect(rows.split(separator: "\n").count == 20)
    #expect(try project.anneal("report-bug", new, "-o", "bug").code == 2)
    // A record that cannot be read is among the faults that are reported.
    try "{".write(toFile: project.folder.path(".anneal/runs/\(new)/run.json"), atomically: true, encoding: .utf8)
    let broken = try project.anneal("report-bug", new, "-o", "broken")
    #expect(broken.code == 0, "\(broken.messages)")
    #expect(FileManager.default.fileExists(atPath: project.folder.path("broken/events.jsonl")))
  }

  @Test("the doctor names what will make trouble")
  func doctor() throws {
    let project = try Project(rows: 20)
    let fine = try project.anneal("doctor", "--json")
    let findings = try JSON(parsing: fine.output).array ?? []
    #expect(findings.contains { $0["subject"]?.string == "processor" })
    let sick = try project.anneal("doctor", "--cache", "http://127.0.0.1:1", environment: ["ANNEAL_CPU": "sse9"])
    #expect(sick.code == 1 && sick.output.contains("does not answer"), "\(sick.output)\(sick.messages)")
    // What was not tried is not promised, and a file is no folder.
    try project.folder.write("", to: "plain")
    let caches = try project.anneal("doctor", "--cache", "plain", "--cache", "fresh")
    #expect(caches.output.contains("does not answer: Not a directory"), "\(caches.output)")
    #expect(
      caches.output.contains("/fresh`") && caches.output.contains("takes and gives; answers in"), "\(caches.output)")
  }
}
