import Foundation
import Pipeline
import PreciseJSON
import TestKit
import Testing

/// Broken pipelines, and word by word what `anneal validate` says about each: `Tests/Fixtures/BrokenPipelines`.
///
/// With `ANNEAL_RECORD=1` in the environment the words that were found take the place of those in the files; read what has
/// changed as someone would who meets it for the first time.
@Suite(.serialized) struct BrokenPipelineTests {
  private static let topics =
    ((try? FileManager.default.contentsOfDirectory(atPath: fixture("BrokenPipelines"))) ?? [])
    .filter { $0.hasSuffix(".txt") }.sorted()

  /// A project with what the cases name: a tiny model, rows of three kinds, an empty folder.
  private func project() throws -> Project {
    let project = try Project(rows: 8)
    try FileManager.default.removeItem(atPath: project.folder.path("pipeline.yaml"))
    let own = fixture("BrokenPipelines/project")
    for name in try FileManager.default.contentsOfDirectory(atPath: own) {
      try FileManager.default.copyItem(atPath: own + "/" + name, toPath: project.folder.path(name))
    }
    try FileManager.default.createSymbolicLink(
      atPath: project.folder.path("tiny-gemma3.gguf"), withDestinationPath: fixture("Command/tiny-gemma3.gguf"))
    try FileManager.default.createDirectory(atPath: project.folder.path("empty"), withIntermediateDirectories: false)
    return project
  }

  @Test(arguments: topics)
  func everyMessageWordByWord(_ topic: String) throws {
    let project = try project()
    let path = fixture("BrokenPipelines/" + topic)
    var cases = try BrokenPipeline.read(path)
    for index in cases.indices {
      let one = cases[index]
      for (name, text) in one.files { try project.folder.write(text, to: name) }
      let outcome = try project.anneal("validate", "pipeline.yaml")
      for (name, _) in one.files { try FileManager.default.removeItem(atPath: project.folder.path(name)) }
      #expect(outcome.code == 2 && outcome.messages.contains("error:"), "\(topic), \(one.title): \(outcome)")
      if ProcessInfo.processInfo.environment["ANNEAL_RECORD"] == nil {
        #expect(outcome.messages == one.words, "\(topic), \(one.title)")
      }
      cases[index].words = outcome.messages
    }
    if ProcessInfo.processInfo.environment["ANNEAL_RECORD"] != nil { try BrokenPipeline.write(cases, to: path) }
  }

  /// An editor with the schema refuses what the program refuses, but for what no schema can say.
  @Test func schemaAndProgramAgree() throws {
    let schema = try JSON(parsing: try Project(rows: 1).anneal("schema").output)
    let validator = SchemaValidator(schema)
    for topic in Self.topics {
      for one in try BrokenPipeline.read(fixture("BrokenPipelines/" + topic)) {
        let json = try? CoreSchema.json(one.text)
        let passes = try json.map(validator.passes) ?? false
        #expect(passes == (one.beyondSchema != nil), "\(topic), \(one.title)")
        if let reason = one.beyondSchema { #expect(BrokenPipeline.reasons.contains(reason), "\(topic), \(one.title)") }
      }
    }
  }

  @Test func shippedFilesPassTheSchema() throws {
    let validator = SchemaValidator(try JSON(parsing: try Project(rows: 1).anneal("schema").output))
    var count = 0
    for folder in ["pipelines", "examples"] {
      let root = Project.repository + "/" + folder
      for file in FileManager.default.enumerator(atPath: root)?.compactMap({ $0 as? String }) ?? []
      where file.hasSuffix(".yaml") {
        count += 1
        let text = try String(contentsOfFile: root + "/" + file, encoding: .utf8)
        let json = try CoreSchema.json(text)
        // Recipes have a schema of their own: scripts/reference/broken_pipelines.py holds them against it.
        guard json["recipe"] == nil else { continue }
        #expect(try validator.passes(json), "\(folder)/\(file)")
      }
    }
    #expect(count > 10)
  }

  @Test func everyNodeTypeAndManyProblems() throws {
    let cases = try Self.topics.flatMap { try BrokenPipeline.read(fixture("BrokenPipelines/" + $0)) }
    #expect(cases.count >= 300)
    #expect(Set(cases.map { $0.files.map(\.text) }).count == cases.count, "two cases are one")
    for type in try JSON(parsing: try Project(rows: 1).anneal("nodes", "--json").output).array ?? [] {
      let name = try #require(type["name"]?.string)
      let own = cases.count { $0.title.hasPrefix(name + " ") || $0.title.contains(" \(name) ") }
      #expect(own >= 2, "\(name) has \(own) cases")
    }
  }
}
