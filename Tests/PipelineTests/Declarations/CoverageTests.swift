import Pipeline
import PreciseJSON
import TestKit
import Testing

/// Every field is in the key exactly when it decides the result, and every property is a field.
struct CoverageTests {
  @Test func toysAreCovered() throws {
    #expect(try KeyCoverage.problems(toyRegistry) == [])
    #expect(try DeclarationCoverage.undeclared(toyRegistry) == [])
  }

  @Test func whatIsWrongIsFound() throws {
    let registry = NodeRegistry([ToyWrong.self])
    #expect(
      try KeyCoverage.problems(registry) == [
        "`wrong.from` decides the result but is not among the node's sources"
      ])
    #expect(try DeclarationCoverage.undeclared(registry) == ["wrong.forgotten"])
  }

  @Test func fieldsSurviveTheWayToAWorker() throws {
    let pipeline = try load(goodPipeline, set: ["nodes.sft.threads=3", "nodes.sft.notes=hello"])
    for node in pipeline.nodes {
      let back = try node.type.fields(json: node.fields.json)
      #expect(back.json == node.fields.json)
      #expect(back.keyEntries == node.fields.keyEntries)
    }
    let train = try #require(toyRegistry["train"])
    #expect(throws: FieldTransportError.self) { try train.fields(json: ["rank": 8]) }
  }
}

private enum ToyWrong: NodeType {
  struct Fields: FieldSet {
    var from: FilePath?
    var kept = 1
    var forgotten = 1
    static let fields: [Field<Self>] = [
      Field("from", \.from, required: true, doc: "Not read"), Field("kept", \.kept, doc: "Declared"),
    ]
  }

  static let name = "wrong"
  static let summary = "Has faults"
  static let implementationVersion = 1
  static let inputs: [InputPort] = []
  static let outputs: [OutputPort] = []
  static func infer(_ fields: Fields, _ inputs: InputTypes) -> Inference { Inference(outputs: [:]) }
  static func run(_ fields: Fields, in context: NodeContext) {}
}
