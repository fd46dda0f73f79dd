import Diagnostics
import Foundation
import Pipeline
import PreciseJSON

/// Node types that know nothing but short texts, for tests of the engine.
///
/// Every one adds its node's name as a line to the file `count_in` when it runs, so that a test can tell what ran.
package enum ToyNodes {
  package static let types: [any NodeType.Type] = [
    ToyText.self, ToyFile.self, ToyJoin.self, ToyHead.self, ToyPair.self, ToyFail.self, ToyHeavy.self, ToySlow.self,
    ToyParts.self, ToyReference.self, ToyDice.self,
  ]

  package static let registry = NodeRegistry(types)

  /// Refuses texts that hold the word `invalid`.
  package static let check = PublicationCheck([
    "text": { view in
      let text = try String(contentsOfFile: try view.path(of: "text"), encoding: .utf8)
      if text.contains("invalid") { throw ToyError(text: "The text holds the word `invalid`") }
    }
  ])
}

/// What a toy node throws.
package struct ToyError: DiagnosticError {
  package var text: String

  package init(text: String) { self.text = text }

  package var diagnostics: [Diagnostic] { [Diagnostic(code: "toy", text)] }
}

/// Adds a line to a toy node's counter.
func count(_ file: String?, _ context: NodeContext) throws {
  guard let file else { return }
  try FileSystem(isDurable: false).append(file, Array((context.nodeName + "\n").utf8))
}

extension ArtefactView {
  /// The text of a toy artefact.
  package func text() throws -> String { try String(contentsOfFile: try path(of: "text"), encoding: .utf8) }
}

private let textOutput = OutputPort("text", "text", doc: "The text")

/// A constant text.
package enum ToyText: NodeType {
  package struct Fields: FieldSet {
    package var text = ""
    package var label = ""
    package var countIn: String?
    package init() {}
    package static let fields: [Field<Self>] = [
      Field("text", \.text, doc: "The text"),
      Field("label", \.label, role: .none, doc: "Says nothing"),
      Field("count_in", \.countIn, role: .none, doc: "Counter"),
    ]
  }

  package static let name = "toy_text"
  package static let summary = "A constant text."
  package static let implementationVersion = 1
  package static let inputs: [InputPort] = []
  package static let outputs = [textOutput]
  package static func infer(_ fields: Fields, _ inputs: InputTypes) -> Inference {
    Inference(outputs: ["text": ArtefactType("text")])
  }

  package static func run(_ fields: Fields, in context: NodeContext) throws {
    try count(fields.countIn, context)
    try context.output("text").write(fields.text, to: "text")
  }
}

/// The lines of a file that do not start with `#`.
package enum ToyFile: NodeType {
  package struct Fields: FieldSet {
    package var from: FilePath?
    /// Appended to the file while the node runs, to test the guard against that.
    package var meddle = false
    package var countIn: String?
    package init() {}
    package static let fields: [Field<Self>] = [
      Field("from", \.from, required: true, doc: "The file"),
      Field("meddle", \.meddle, role: .none, doc: "Changes its own source"),
      Field("count_in", \.countIn, role: .none, doc: "Counter"),
    ]
  }

  package static let name = "toy_file"
  package static let summary = "The lines of a file."
  package static let implementationVersion = 1
  package static let inputs: [InputPort] = []
  package static let outputs = [textOutput]
  package static func sources(_ fields: Fields, _ paths: PathReader) -> [SourceRequest] {
    fields.from.map { [SourceRequest(role: "from", path: paths.text(of: $0))] } ?? []
  }

  package static func infer(_ fields: Fields, _ inputs: InputTypes) -> Inference {
    Inference(outputs: ["text": ArtefactType("text")])
  }

  package static func run(_ fields: Fields, in context: NodeContext) throws {
    try count(fields.countIn, context)
    let source = try context.source("from")
    let text = try String(contentsOfFile: source, encoding: .utf8)
    let lines = text.split(separator: "\n").filter { !$0.hasPrefix("#") }
    try context.output("text").write(lines.joined(separator: "\n"), to: "text")
    if fields.meddle { try FileSystem().append(source, Array("more\n".utf8)) }
  }
}

/// Several texts behind each other.
package enum ToyJoin: NodeType {
  package struct Fields: FieldSet {
    package var separator = " "
    package var pause = 0.0
    package var countIn: String?
    package init() {}
    package static let fields: [Field<Self>] = [
      Field("separator", \.separator, doc: "Stands between the texts"),
      Field("pause", \.pause, role: .speed, doc: "Seconds to sleep"),
      Field("count_in", \.countIn, role: .none, doc: "Counter"),
    ]
  }

  package static let name = "toy_join"
  package static let summary = "Several texts behind each other."
  package static let implementationVersion = 1
  package static let inputs = [InputPort("parts", ["text"], list: true, doc: "The texts")]
  package static let outputs = [textOutput]
  package static func infer(_ fields: Fields, _ inputs: InputTypes) -> Inference {
    Inference(outputs: ["text": ArtefactType("text")])
  }

  package static func run(_ fields: Fields, in context: NodeContext) throws {
    try count(fields.countIn, context)
    Thread.sleep(forTimeInterval: fields.pause)
    let text = try context.inputs("parts").map { try $0.text() }.joined(separator: fields.separator)
    try context.output("text").write(text, to: "text")
  }
}

/// The first letters of a text: an edit further behind changes nothing below.
package enum ToyHead: NodeType {
  package struct Fields: FieldSet {
    package var letters = 3
    package var countIn: String?
    package init() {}
    package static let fields: [Field<Self>] = [
      Field("letters", \.letters, in: 0...1000, doc: "How many"),
      Field("count_in", \.countIn, role: .none, doc: "Counter"),
    ]
  }

  package static let name = "toy_head"
  package static let summary = "The first letters of a text."
  package static let implementationVersion = 1
  package static let inputs = [InputPort("of", ["text"], doc: "The text")]
  package static let outputs = [textOutput]
  package static func infer(_ fields: Fields, _ inputs: InputTypes) -> Inference {
    Inference(outputs: ["text": ArtefactType("text")])
  }

  package static func run(_ fields: Fields, in context: NodeContext) throws {
    try count(fields.countIn, context)
    try context.output("text").write(String(try context.input("of").text().prefix(fields.letters)), to: "text")
  }
}

/// A text cut in two: two outputs.
package enum ToyPair: NodeType {
  package struct Fields: FieldSet {
    package var at = 2
    package var countIn: String?
    package init() {}
    package static let fields: [Field<Self>] = [
      Field("at", \.at, in: 0...1000, doc: "Where to cut"),
      Field("count_in", \.countIn, role: .none, doc: "Counter"),
    ]
  }

  package static let name = "toy_pair"
  package static let summary = "A text cut in two."
  package static let implementationVersion = 1
  package static let inputs = [InputPort("of", ["text"], doc: "The text")]
  package static let outputs = [
    OutputPort("left", "text", doc: "Up to the cut"), OutputPort("right", "text", doc: "From the cut"),
  ]
  package static func infer(_ fields: Fields, _ inputs: InputTypes) -> Inference {
    Inference(outputs: ["left": ArtefactType("text"), "right": ArtefactType("text")])
  }

  package static func run(_ fields: Fields, in context: NodeContext) throws {
    try count(fields.countIn, context)
    let text = try context.input("of").text()
    try context.output("left").write(String(text.prefix(fields.at)), to: "text")
    try context.output("right").write(String(text.dropFirst(fields.at)), to: "text")
  }
}
