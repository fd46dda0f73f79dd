import Foundation
import TestKit
import Testing

/// The examples of docs/pipelines.md, as somebody copies them: with a model and data of one's own they are right.
@Suite("Documented pipelines") struct DocumentedPipelineTests {
  /// The blocks of YAML that are whole pipelines.
  private static func examples() throws -> [String] {
    let text = try String(contentsOfFile: Project.repository + "/docs/pipelines.md", encoding: .utf8)
    return text.components(separatedBy: "```yaml\n").dropFirst().compactMap { piece in
      let block = piece.components(separatedBy: "\n```")[0]
      let lines = block.split(separator: "\n")
      return ["pipeline:", "nodes:"].allSatisfy { key in lines.contains { $0.hasPrefix(key) } }
        && !lines.contains { $0.hasPrefix("extends:") } ? block : nil
    }
  }

  @Test("every whole example holds together")
  func examplesValidate() throws {
    let examples = try Self.examples()
    #expect(examples.count >= 2)
    for example in examples {
      let project = try Project(rows: 5)
      for name in ["chats", "books"] {
        try FileManager.default.createDirectory(
          atPath: project.folder.path("data"), withIntermediateDirectories: true)
        try FileManager.default.copyItem(
          atPath: project.folder.path("data.jsonl"), toPath: project.folder.path("data/\(name).jsonl"))
      }
      try project.folder.write(example.replacing("models/base.gguf", with: "tiny"), to: "example.yaml")
      let outcome = try project.anneal("validate", "example.yaml")
      #expect(outcome.code == 0 && outcome.messages.isEmpty, "\(outcome.messages)\n\(example)")
    }
  }
}
