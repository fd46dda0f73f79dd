import Diagnostics
import Pipeline
import PreciseJSON
import TestKit
import Testing

/// Fields that are lists of maps.
struct MapListTests {
  /// A pipeline with a node of type `grade` that has these fields besides its model.
  private static func graded(_ fields: String) -> String {
    """
    pipeline: tune
    params: {heavy: 3}
    nodes:
      base: {type: base}
      graded: {type: grade, model: base\(fields.isEmpty ? "" : ", \(fields)")}

    """
  }

  private func load(_ fields: String, set overrides: [String] = []) throws -> ResolvedNode {
    try #require(try loadChoices(Self.graded(fields), set: overrides).node("graded"))
  }

  private func complaints(_ fields: String, set overrides: [String] = []) -> [String] {
    do {
      _ = try load(fields, set: overrides)
      return []
    } catch {
      return diagnostics(of: error).map { diagnostic in
        let words = [diagnostic.summary, diagnostic.reason, diagnostic.advice].compactMap { $0 }
        return "\(diagnostic.path ?? "")@\(diagnostic.place?.column ?? 0): \(words.joined(separator: " | "))"
      }
    }
  }

  private func entries(_ fields: String) throws -> [String] {
    let node = try load(fields)
    let back = try node.type.fields(json: node.fields.json, written: node.fields.written)
    #expect(back.json == node.fields.json && back.keyEntries == node.fields.keyEntries)
    return node.fields.keyEntries.map { "\($0.label)=\($0.value.forPeople)" }
  }

  @Test func whatIsWrongIsNamedWhereItIsWritten() throws {
    let error = #expect(throws: (any Error).self) {
      try load("rewards: [{type: answer}, {type: length, maximum: 9, marker: x}]")
    }
    let text = diagnostics(of: try #require(error)).rendered()
    #expect(
      text == """
        tune.yaml:5:91: error: `marker` has no effect with `type: length`
              graded: {type: grade, model: base, rewards: [{type: answer}, {type: length, maximum: 9, marker: x}]}
                                                                                                      ^
          at `nodes.graded.rewards[1].marker`
          why: it has one with `type: answer`
          try: Remove it, or say `type: answer`
        """)
  }

  @Test(arguments: [
    ("rewards: []", []),
    ("rewards: [{type: answer, weight: \"${heavy}\"}, {type: length, maximum: 5}]", []),
    // One map stands for a list of one.
    ("rewards: {type: answer}", []),
    (
      "rewards: {type: answr}",
      ["nodes.graded.rewards.type@54: `answr` is not one of [`answer`, `length`] | `answer`"]
    ),
    (
      "rewards: answer",
      [
        "nodes.graded.rewards@47: `answer` stands here"
          + " | a map is wanted, with fields from [`type`, `weight`, `note`]"
      ]
    ),
    ("rewards: null", ["nodes.graded.rewards@47: `rewards` has no value | a list is wanted"]),
    (
      "rewards: [{type: answer}, answer, null]",
      [
        "nodes.graded.rewards[1]@64: `answer` stands here"
          + " | a map is wanted, with fields from [`type`, `weight`, `note`]",
        "nodes.graded.rewards[2]@72: Nothing stands here"
          + " | a map is wanted, with fields from [`type`, `weight`, `note`]",
      ]
    ),
    (
      "rewards: [{weight: 2}, {type: length, maximum: 0}, {type: length}, {}]",
      [
        "nodes.graded.rewards[0]@48: Field `type` is missing | which",
        "nodes.graded.rewards[1].maximum@85: `0` is out of range | it must be at least 1",
        "nodes.graded.rewards[2]@89: Field `maximum` is missing | longest",
        "nodes.graded.rewards[3]@105: Field `type` is missing | which",
      ]
    ),
    (
      "rewards: [{type: answer, wieght: 2}, {type: answer, maximun: 2}]",
      [
        "nodes.graded.rewards[0].wieght@63: Unknown field `wieght` | `weight`",
        "nodes.graded.rewards[1].maximun@90: Unknown field `maximun` | `maximum`, with `type: length`",
      ]
    ),
    // What the node type itself has to say, as near as it is written.
    (
      "rewards: [{type: answer}, {type: length, weight: 0, maximum: 13}]",
      [
        "nodes.graded.rewards[1].weight.unit@87: Nothing counts",
        "nodes.graded.rewards[1].maximum@99: 13 brings bad luck | take 12",
      ]
    ),
    (
      "rewards: {type: length, maximum: 13}",
      ["nodes.graded.rewards[0].maximum@71: 13 brings bad luck | take 12"]
    ),
    // Files.
    ("rewards: [{type: answer, table: rows.jsonl}]", []),
    (
      "rewards: [{type: answer}, {type: answer, table: away.jsonl}]",
      [
        "nodes.graded.rewards[1].table@86: No file or folder `away.jsonl`"
          + " | paths are relative to the folder that `anneal` is started in"
      ]
    ),
  ])
  func whatIsSaid(fields: String, wanted: [String]) { #expect(complaints(fields) == wanted) }

  @Test func keysHoldEachMapsFields() throws {
    #expect(try entries("") == ["fields.rewards=[]"])
    #expect(
      try entries("rewards: [{type: length, maximum: 5, weight: 0.2, note: hello}, {type: answer, table: rows.jsonl}]")
        == [
          "fields.rewards[0].type=length", "fields.rewards[0].weight=0.2", "fields.rewards[0].maximum=5",
          "fields.rewards[1].type=answer", "fields.rewards[1].weight=1", "fields.rewards[1].marker=####",
        ])
    // One map and a list of one are the same; the order is not.
    #expect(try load("rewards: {type: answer}").planKey == load("rewards: [{type: answer}]").planKey)
    let (answer, length) = ("{type: answer}", "{type: length, maximum: 5}")
    #expect(try load("rewards: [\(answer), \(length)]").planKey != load("rewards: [\(length), \(answer)]").planKey)
  }

  @Test func differencesNameTheField() throws {
    func preimage(_ fields: String) throws -> KeyPreimage { try load(fields).planPreimage }
    let old = try preimage("rewards: [{type: answer}, {type: answer, table: rows.jsonl}]")
    func sentences(_ fields: String) throws -> [String] { try preimage(fields).difference(from: old).map(\.sentence) }
    #expect(
      try sentences("rewards: [{type: answer, weight: 2}, {type: answer, table: rows.jsonl}]")
        == ["Field `rewards[0].weight` changed from 1 to 2"])
    let table = try sentences("rewards: [{type: answer}, {type: answer, table: more.jsonl}]")
    #expect(table.count == 1 && table[0].hasPrefix("Source `rewards[1].table` has other content than before"))
    #expect(
      try sentences("rewards: {type: answer}") == [
        "Source `rewards[1].table` was removed", "Field `rewards[1].marker` is gone; it was ####",
        "Field `rewards[1].type` is gone; it was answer", "Field `rewards[1].weight` is gone; it was 1",
      ])
  }

  @Test func overridesTakeLists() throws {
    #expect(try load("", set: ["nodes.graded.rewards=[{type: length, maximum: 5}]"]).fields.keyEntries.count == 3)
    let node = try load("rewards: [{type: answer}, {type: length, maximum: 5, note: null}]")
    #expect(
      node.outputTypes["grades"]?["written"]
        == "rewards rewards[0].type rewards[1].maximum rewards[1].type")
  }

  private let reference = NodeReference(choiceRegistry)

  @Test func description() throws {
    let grade = try #require(choiceRegistry["grade"])
    #expect(
      reference.description(of: grade).components(before: "Settings of every node") == """
        grade: Grades a model

        Inputs
          model  model  The model

        Outputs
          grades  grades  The grades

        Fields
          rewards           list of maps           []        What counts
          rewards[].type    one of answer, length  required  Which
          rewards[].weight  number                 1         How much it counts
          rewards[].note    text                   none      For people

        Fields with rewards[].type: answer
          rewards[].marker  text  ####  Before the answer
          rewards[].table   path  none  Right answers

        Fields with rewards[].type: length
          rewards[].maximum  whole number, at least 1  required  Longest


        """)
    let fields = reference.json.array?.last?["fields"]?.array?.first?["fields"]?.array ?? []
    #expect(fields.map { $0["name"]?.string } == ["type", "weight", "marker", "table", "maximum", "note"])
    #expect(
      reference.page.contains("| `rewards[].maximum` | whole number, at least 1 | required | result | Longest |"))
  }

  @Test func declarationsThatCannotBeTold() {
    #expect(NodeRegistry.problems(of: ToyGrade.self) == [])
    #expect(
      NodeRegistry.problems(of: ToyMisgrade.self) == [
        "`misgrade`: the condition of `size` names `kind`, which does not have an effect wherever it holds,"
          + " in `rewards`"
      ])
  }

  @Test func whatIsNotDeclaredIsFound() throws {
    #expect(try DeclarationCoverage.undeclared(NodeRegistry([ToyForgetful.self])) == ["forgetful.rewards[0].forgotten"])
    #expect(
      try KeyCoverage.problems(NodeRegistry([ToyForgetful.self])) == [
        "`forgetful.rewards.[0].table` decides the result but is not among the node's sources"
      ])
  }
}

extension String {
  /// What stands before the first line that is `line`.
  fileprivate func components(before line: String) -> String {
    split(separator: line, maxSplits: 1, omittingEmptySubsequences: false).first.map(String.init) ?? self
  }
}

private enum ToyMisgrade: NodeType {
  struct Reward: FieldGroup {
    var size = 1
    static let fields: [Field<Self>] = [Field("size", \.size, for: .when("kind", ["a"]), doc: "Hangs on nothing")]
  }
  struct Fields: FieldSet {
    var rewards: [Reward] = []
    static let fields: [Field<Self>] = [Field("rewards", \.rewards, doc: "Maps")]
  }
  static let name = "misgrade"
  static let summary = "Has faults"
  static let implementationVersion = 1
  static let inputs: [InputPort] = []
  static let outputs: [OutputPort] = []
  static func infer(_ fields: Fields, _ inputs: InputTypes) -> Inference { Inference(outputs: [:]) }
  static func run(_ fields: Fields, in context: NodeContext) {}
}

private enum ToyForgetful: NodeType {
  struct Reward: FieldGroup {
    var size = 1
    var forgotten = 1
    var table: FilePath?
    static let fields: [Field<Self>] = [
      Field("size", \.size, doc: "A number"), Field("table", \.table, doc: "A file"),
    ]
  }
  struct Fields: FieldSet {
    var rewards: [Reward] = []
    static let fields: [Field<Self>] = [Field("rewards", \.rewards, doc: "Maps")]
  }
  static let name = "forgetful"
  static let summary = "Has faults"
  static let implementationVersion = 1
  static let inputs: [InputPort] = []
  static let outputs: [OutputPort] = []
  static func infer(_ fields: Fields, _ inputs: InputTypes) -> Inference { Inference(outputs: [:]) }
  static func run(_ fields: Fields, in context: NodeContext) {}
}
