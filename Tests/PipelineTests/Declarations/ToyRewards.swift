import Pipeline

/// A map of a list, of which each chooses what it has.
struct ToyReward: FieldGroup {
  enum Kind: String, FieldChoice {
    case answer
    case length
  }

  var type: Kind?
  var weight = 1.0
  var marker = "####"
  var table: FilePath?
  var maximum: Int?
  var note: String?

  static let fields: [Field<Self>] = [
    Field("type", \.type, required: true, doc: "Which"), Field("weight", \.weight, doc: "How much it counts"),
    Field("marker", \.marker, for: .when("type", ["answer"]), doc: "Before the answer"),
    Field("table", \.table, for: .when("type", ["answer"]), doc: "Right answers"),
    Field("maximum", \.maximum, in: 1..., required: true, for: .when("type", ["length"]), doc: "Longest"),
    Field("note", \.note, role: .none, doc: "For people"),
  ]
}

/// A node type with a list of maps.
enum ToyGrade: NodeType {
  struct Fields: FieldSet {
    var rewards: [ToyReward] = []
    static let fields: [Field<Self>] = [Field("rewards", \.rewards, doc: "What counts")]
  }

  static let name = "grade"
  static let summary = "Grades a model"
  static let implementationVersion = 1
  static let inputs = [InputPort("model", ["model"], doc: "The model")]
  static let outputs = [OutputPort("grades", "grades", doc: "The grades")]

  static func sources(_ fields: Fields, _ paths: PathReader) -> [SourceRequest] {
    fields.rewards.enumerated().compactMap { index, reward in
      reward.table.map { SourceRequest(role: "rewards[\(index)].table", path: paths.text(of: $0), kind: .file) }
    }
  }

  static func infer(_ fields: Fields, _ inputs: InputTypes) -> Inference {
    var conflicts: [Inference.Conflict] = []
    for (index, reward) in fields.rewards.enumerated() {
      if reward.maximum == 13 {
        conflicts.append(.init(port: "rewards[\(index)].maximum", "13 brings bad luck", advice: "take 12"))
      }
      if reward.weight == 0 { conflicts.append(.init(port: "rewards[\(index)].weight.unit", "Nothing counts")) }
    }
    let written = inputs.written.sorted().joined(separator: " ")
    return Inference(outputs: ["grades": ArtefactType("grades", ["written": .text(written)])], conflicts: conflicts)
  }
  static func run(_ fields: Fields, in context: NodeContext) {}
}
