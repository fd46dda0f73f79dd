import Diagnostics
import Pipeline

/// Node types whose fields hang on choices.
let choiceRegistry = NodeRegistry([ToyBase.self, ToyTune.self, ToyGrade.self])

func loadChoices(_ text: String, set overrides: [String] = []) throws -> ResolvedPipeline {
  try PipelineFile.load(
    text: text, file: "tune.yaml",
    overrides: overrides.enumerated().map { Override(text: $1, argumentIndex: $0 + 1) },
    registry: choiceRegistry, sources: ToySources())
}

/// A pipeline with one node of type `tune` that has these fields besides its model.
func tune(_ fields: String) -> String {
  """
  pipeline: tune
  params: {stage: dpo, away: null}
  nodes:
    base: {type: base}
    tuned: {type: tune, model: base\(fields.isEmpty ? "" : ", \(fields)")}

  """
}

/// What is wrong with a node of type `tune`: `path@column: summary | why | try`, a line each.
func complaints(_ fields: String, set overrides: [String] = []) -> [String] {
  do {
    _ = try loadChoices(tune(fields), set: overrides)
    return []
  } catch {
    return diagnostics(of: error).map { diagnostic in
      let words = [diagnostic.summary, diagnostic.reason, diagnostic.advice].compactMap { $0 }
      return "\(diagnostic.path ?? "")@\(diagnostic.place?.column ?? 0): \(words.joined(separator: " | "))"
    }
  }
}

enum ToyBase: NodeType {
  struct Fields: FieldSet { static let fields: [Field<Self>] = [] }

  static let name = "base"
  static let summary = "Makes a model"
  static let implementationVersion = 1
  static let inputs: [InputPort] = []
  static let outputs = [OutputPort("model", "model", doc: "The model")]
  static func infer(_ fields: Fields, _ inputs: InputTypes) -> Inference {
    Inference(outputs: ["model": ArtefactType("model")])
  }
  static func run(_ fields: Fields, in context: NodeContext) {}
}

/// The fields of one stage, declared apart from the node type.
struct ToyDPO: FieldSet {
  enum Loss: String, FieldChoice {
    case sigmoid
    case hinge
  }

  var beta = 0.1
  var loss = Loss.sigmoid
  var margin: Double?
  static let fields: [Field<Self>] = [
    Field("beta", \.beta, in: .above(0), doc: "Strength"),
    Field("loss", \.loss, doc: "Shape"),
    Field("margin", \.margin, in: 0..., required: true, for: .when("loss", ["hinge"]), doc: "Distance wanted"),
  ]
}

struct ToySimPO: FieldSet {
  var beta = 2.0
  var gamma = 0.5
  static let fields: [Field<Self>] = [
    Field("beta", \.beta, in: 1..., unit: "nats", doc: "Scale"),
    Field("gamma", \.gamma, since: Birth(default: 0.5), doc: "Margin"),
  ]
}

struct ToyOptimizer: FieldGroup {
  enum Method: String, FieldChoice {
    case adamw
    case lion
    case sgd
  }

  var type = Method.adamw
  var betas = [0.9, 0.999]
  var lionBetas = [0.9, 0.99]
  var momentum = 0.0
  var nesterov = false
  var dampening: Double?
  static let fields: [Field<Self>] = [
    Field("type", \.type, doc: "Which"),
    Field("betas", \.betas, in: 0..<1.0, for: .when("type", ["adamw"]), doc: "Decay rates"),
    Field("betas", \.lionBetas, in: 0..<1.0, for: .when("type", ["lion"]), doc: "Lion's decay rates"),
    Field("momentum", \.momentum, for: .when("type", ["sgd"]), doc: "Of the last change"),
    Field("nesterov", \.nesterov, for: .when("type", ["sgd"]), doc: "Looks ahead"),
    Field(
      "dampening", \.dampening, for: .when("type", ["sgd"]).and(.when("nesterov", ["false"])), doc: "Of the gradient"),
  ]
}

enum ToyTune: NodeType {
  enum Stage: String, FieldChoice {
    case sft
    case dpo
    case cdpo
    case simpo
  }

  struct Fields: FieldSet {
    var stage = Stage.sft
    var stages: [String: any FieldSet] = [:]
    var from: String?
    var rank = 8
    var optimizer = ToyOptimizer()

    static let fields: [Field<Self>] =
      [
        Field("stage", \.stage, doc: "What is learned"),
        Field("from", \.from, doc: "What is continued"),
        Field("rank", \.rank, in: 1..., for: .without("from", because: "its own rank holds"), doc: "Size"),
        Field("optimizer", \.optimizer, doc: "How it moves"),
      ] + lifted(ToyDPO.self, .when("stage", ["dpo", "cdpo"])) + lifted(ToySimPO.self, .when("stage", ["simpo"]))

    private static func lifted<Inner: FieldSet>(_: Inner.Type, _ condition: FieldCondition) -> [Field<Self>] {
      let key = "\(Inner.self)"
      return Inner.fields.lifted(
        get: { $0.stages[key] as? Inner ?? Inner() }, set: { $0.stages[key] = $1 }, for: condition)
    }
  }

  static let name = "tune"
  static let summary = "Tunes a model"
  static let implementationVersion = 1
  static let inputs = [
    InputPort("model", ["model"], doc: "The model"),
    InputPort("reference", ["model"], for: .when("stage", ["dpo"]), doc: "What it stays near"),
    InputPort("reference", ["model"], optional: true, for: .when("stage", ["cdpo"]), doc: "What it may stay near"),
  ]
  static let outputs = [OutputPort("model", "model", doc: "The tuned model")]

  static func infer(_ fields: Fields, _ inputs: InputTypes) -> Inference {
    Inference(
      outputs: ["model": ArtefactType("model", ["written": .text(inputs.written.sorted().joined(separator: " "))])])
  }
  static func run(_ fields: Fields, in context: NodeContext) {}
}
