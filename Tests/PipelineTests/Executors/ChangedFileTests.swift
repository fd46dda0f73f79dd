import Diagnostics
import Foundation
import Pipeline
import TestKit
import Testing

/// Files outside the store that change while a node works with them: sources, and members of inputs that are used where
/// they lie.
struct ChangedFileTests {
  /// Runs `file` (which refers to `data`) and `reader`, which writes other bytes into it after it has read it.
  private func run(_ workspace: ToyWorkspace, _ moment: String, restores: Bool = false) throws -> RunSummary {
    let text = """
      pipeline: p
      nodes:
        file: {type: toy_reference, from: \(workspace.folder.path("data"))}
        reader: {type: meddler, text: file, moment: \(moment), victim: \(workspace.folder.path("data")), \
      restores: \(restores), count_in: \(workspace.counter)}
      outputs: [reader]
      """
    let registry = NodeRegistry(ToyNodes.types + [Meddler.self])
    let pipeline = try PipelineFile.load(
      text: text, file: "toy.yaml", registry: registry, sources: workspace.store.sources)
    return try workspace.scheduler().run(pipeline, id: RunHistory.newIdentifier(), project: workspace.folder.path)
  }

  /// What is made from other bytes than the key says is not published: not at the end, not as a part, and no checkpoint of
  /// it is begun.
  @Test(arguments: ["end", "part", "checkpoint"])
  func nothingIsMadeOfAFileThatChanged(_ moment: String) throws {
    let workspace = try ToyWorkspace()
    try workspace.folder.write("good", to: "data")
    let summary = try run(workspace, moment)
    #expect(summary.state == .failed)
    #expect(summary.node("reader")?.state == .blocked)
    let words = summary.node("file")?.problems.rendered() ?? ""
    #expect(words.contains("changed while the node that reads it as `from` was running"), "\(words)")
    _ = try workspace.executed()

    // The good file is back: nothing that was made of the other one is found.
    try workspace.folder.write("good", to: "data")
    let again = try run(workspace, "never")
    #expect(again.state == .done)
    #expect(try workspace.executed() == ["reader"])
    #expect(try again.text("reader", in: workspace.store) == "good, from good")
  }

  /// A file that is what it was again is made use of in the same run.
  @Test func aFileThatIsBackIsReadAgain() throws {
    let workspace = try ToyWorkspace()
    try workspace.folder.write("good", to: "data")
    let summary = try run(workspace, "checkpoint", restores: true)
    #expect(summary.state == .done)
    #expect(try summary.text("reader", in: workspace.store) == "good, from good")
  }

  /// A touched file is the same file.
  @Test func aTouchedFileIsTheSame() throws {
    let workspace = try ToyWorkspace()
    try workspace.folder.write("good", to: "data")
    #expect(try run(workspace, "touch").state == .done)
  }
}

extension RunSummary {
  fileprivate func node(_ name: String) -> NodeRecord? { nodes.first { $0.name == name } }

  fileprivate func text(_ name: String, in store: Store) throws -> String? {
    try node(name)?.result?.outputs["text"].map { artefact in
      try String(contentsOfFile: ArtefactView(artefact, in: store).path(of: "text"), encoding: .utf8)
    }
  }
}

/// Reads a text, and changes the file that it lies in, once.
private enum Meddler: NodeType {
  struct Fields: FieldSet {
    /// When the file is changed.
    var moment = "never"
    var victim = ""
    /// Whether the old bytes are back when the node is done.
    var restores = false
    var countIn: String?

    static let fields: [Field<Self>] = [
      Field("moment", \.moment, role: .none, doc: "When"), Field("victim", \.victim, role: .none, doc: "The file"),
      Field("restores", \.restores, role: .none, doc: "Whether it is put back"),
      Field("count_in", \.countIn, role: .none, doc: "Counter"),
    ]
  }

  static let name = "meddler"
  static let parts = [part]
  private static let part = Part.work("part")
  static let summary = "Changes the file that its input lies in"
  static let implementationVersion = 1
  static let inputs = [InputPort("text", ["text"], doc: "The text")]
  static let outputs = [OutputPort("text", "text", doc: "The same text")]

  static func infer(_ fields: Fields, _ inputs: InputTypes) -> Inference {
    Inference(outputs: ["text": ArtefactType("text")])
  }

  static func run(_ fields: Fields, in context: NodeContext) throws {
    if let counter = fields.countIn { try FileSystem().append(counter, Array("reader\n".utf8)) }
    let path = try context.input("text").path(of: "text")
    let good = try Data(contentsOf: URL(fileURLWithPath: path))
    func meddle(_ moment: String) throws {
      let mark = fields.victim + ".changed"
      guard fields.moment == moment, !FileManager.default.fileExists(atPath: mark) else { return }
      try Data().write(to: URL(fileURLWithPath: mark))
      try Data("evil".utf8).write(to: URL(fileURLWithPath: fields.victim))
    }
    func text() throws -> String { try String(contentsOfFile: fields.victim, encoding: .utf8) }
    if fields.moment == "touch" {
      try FileManager.default.setAttributes([.modificationDate: Date()], ofItemAtPath: fields.victim)
    }
    try meddle("part")
    // Not the bytes of the file itself: the store would have them then, whatever becomes of the file.
    let part = try context.memo(Self.part, reads: [], type: ArtefactType("text")) {
      try $0.write("from \(text())", to: "text")
    }
    try meddle("checkpoint")
    if fields.moment == "checkpoint" {
      do { _ = try context.checkpointFolder() } catch {
        if fields.restores { try good.write(to: URL(fileURLWithPath: fields.victim)) }
        throw error
      }
    }
    try meddle("end")
    let whole = try text() + ", " + String(contentsOfFile: part.path(of: "text"), encoding: .utf8)
    try context.output("text").write(whole, to: "text")
  }
}
