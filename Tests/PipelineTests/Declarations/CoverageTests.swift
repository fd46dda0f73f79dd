import Pipeline
import PreciseJSON
import TestKit
import Testing

/// Every field is in the key exactly when it decides the result, and every property is a field.
struct CoverageTests {
  @Test func toysAreCovered() throws {
    #expect(try KeyCoverage.problems(toyRegistry) == [])
    #expect(try DeclarationCoverage.undeclared(toyRegistry) == [])
    #expect(try PartCoverage.problems(toyRegistry) == [])
  }

  @Test func whatIsWrongIsFound() throws {
    let registry = NodeRegistry([ToyWrong.self])
    #expect(
      try KeyCoverage.problems(registry) == [
        "`wrong.from` decides the result but is not among the node's sources"
      ])
    #expect(try DeclarationCoverage.undeclared(registry) == ["wrong.forgotten"])
    #expect(
      try PartCoverage.problems(registry) == [
        "`wrong` has parts of one name", "part `one` of `wrong` ignores `keept`, which is in no key",
      ])
  }

  /// A part's key holds every field that decides the node's result, but for those that it names; a recipe's holds none.
  @Test func partsAreKeyedByAllFields() throws {
    let train = try #require(toyRegistry["train"])
    func key(_ part: Part, rank: Int, threads: Int = 1, read: String = "a") throws -> Digest {
      guard case .object(var fields) = train.defaultFields.json else { return Digest(of: []) }
      fields["rank"] = JSON(rank)
      fields["threads"] = JSON(threads)
      return part.preimage(of: train, try train.fields(json: .object(fields)), reads: [("rows", .text(read))]).key
    }
    let (all, some, none) = (Part.work("p"), Part.work("p", ignoring: ["rank"]), Part.recipe("p", version: 1))
    #expect(try key(all, rank: 1) != key(all, rank: 2))
    #expect(try key(all, rank: 1) == key(all, rank: 1, threads: 4))
    #expect(try key(some, rank: 1) == key(some, rank: 2))
    #expect(try key(none, rank: 1) == key(none, rank: 2))
    for part in [all, some, none] { #expect(try key(part, rank: 1) != key(part, rank: 1, read: "b")) }
    #expect(try key(none, rank: 1) != key(.recipe("p", version: 2), rank: 1))
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
  static let parts = [Part.work("one", ignoring: ["keept"]), .recipe("two", version: 1), .recipe("two", version: 1)]
  static let inputs: [InputPort] = []
  static let outputs: [OutputPort] = []
  static func infer(_ fields: Fields, _ inputs: InputTypes) -> Inference { Inference(outputs: [:]) }
  static func run(_ fields: Fields, in context: NodeContext) {}
}
