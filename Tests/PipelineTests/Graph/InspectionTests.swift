import Diagnostics
import Foundation
import Pipeline
import TestKit
import Testing

/// The engine looks into a file once, and again when the file has changed.
@Suite struct InspectionTests {
  private let workspace: ToyWorkspace
  private let text = "pipeline: p\nnodes:\n  peek: {type: peek, from: DIR/file, count_in: COUNT}\n"

  init() throws {
    workspace = try ToyWorkspace()
    try write("one")
  }

  /// Writes the file, and waits until its stamp proves something.
  private func write(_ line: String) throws {
    try workspace.folder.write(line + "\nmore\n", to: "file")
    Thread.sleep(forTimeInterval: 0.08)
  }

  /// What another process would learn.
  private func line() throws -> Facet? {
    let text = text.replacingOccurrences(of: "COUNT", with: workspace.counter)
      .replacingOccurrences(of: "DIR", with: workspace.folder.path)
    let pipeline = try PipelineFile.load(
      text: text, file: "p.yaml", registry: NodeRegistry([Peek.self]), sources: workspace.reopened().sources)
    return pipeline.node("peek")?.outputTypes["text"]?["line"]
  }

  @Test func looksOnce() throws {
    for _ in 0..<3 { #expect(try line() == "one") }
    #expect(try workspace.executed() == ["one"])
  }

  @Test func looksAgainAfterAChange() throws {
    #expect(try line() == "one")
    try write("two")
    #expect(try line() == "two")
    #expect(try line() == "two")
    #expect(try workspace.executed() == ["one", "two"])
    // What the old bytes say is still known.
    try write("one")
    #expect(try line() == "one")
    #expect(try line() == "one")
    #expect(try workspace.executed() == ["one"])
  }

  @Test func aDamagedNoteIsNoAdvice() throws {
    #expect(try line() == "one")
    let root = workspace.store.path + "/facets"
    let shard = try #require(try FileSystem().names(in: root).first)
    let note = try #require(try FileSystem().names(in: "\(root)/\(shard)").first)
    try flipBit(in: "\(root)/\(shard)/\(note)", at: 12)
    #expect(try line() == "one")
    #expect(try workspace.executed() == ["one", "one"])
  }

  @Test func anotherFilesNoteIsNoAdvice() throws {
    #expect(try line() == "one")
    let root = workspace.store.path + "/facets"
    func notes() throws -> [String] {
      try FileSystem().names(in: root).flatMap { shard in
        try FileSystem().names(in: "\(root)/\(shard)").map { "\(root)/\(shard)/\($0)" }
      }
    }
    let first = try #require(try notes().first)
    try write("two")
    #expect(try line() == "two")
    let second = try #require(try notes().first { $0 != first })
    try FileManager.default.removeItem(atPath: second)
    try FileManager.default.copyItem(atPath: first, toPath: second)
    #expect(try line() == "two")
  }

  @Test func whatItThrowsStandsAtTheField() throws {
    try write("bad")
    do {
      _ = try line()
      Issue.record("a bad file passed")
    } catch let error as DiagnosticList {
      let problem = try #require(error.diagnostics.first)
      #expect(problem.summary == "A bad file")
      #expect(problem.place?.line == 3)
      #expect(problem.path == "nodes.peek.from")
    }
  }
}

/// Shows the first line of a file in the type of its output, and counts how often it was looked at.
private enum Peek: NodeType {
  struct Fields: FieldSet {
    var from: FilePath?
    var countIn: String?
    static let fields: [Field<Self>] = [
      Field("from", \.from, required: true, doc: "The file"),
      Field("count_in", \.countIn, role: .none, doc: "Counter"),
    ]
  }

  static let name = "peek"
  static let summary = "The first line of a file"
  static let implementationVersion = 1
  static let inputs: [InputPort] = []
  static let outputs = [OutputPort("text", "text", doc: "The line")]

  static func sources(_ fields: Fields, _ paths: PathReader) -> [SourceRequest] {
    fields.from.map { [SourceRequest(role: "from", path: paths.text(of: $0))] } ?? []
  }

  static func inspection(_ fields: Fields, _ sources: NodeSources) -> Inspection? {
    sources["from"].map { file in
      Inspection(of: sources) {
        let text = try String(contentsOfFile: file, encoding: .utf8)
        let line = text.split(separator: "\n").first.map(String.init) ?? ""
        if line == "bad" { throw ToyError(text: "A bad file") }
        if let counter = fields.countIn { try FileSystem().append(counter, Array((line + "\n").utf8)) }
        return ["line": .text(line)]
      }
    }
  }

  static func infer(_ fields: Fields, _ inputs: InputTypes) -> Inference {
    Inference(outputs: ["text": ArtefactType("text", inputs.seen)])
  }

  static func run(_ fields: Fields, in context: NodeContext) throws {}
}
