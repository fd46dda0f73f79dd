import Diagnostics
import Pipeline
import PreciseJSON
import TestKit
import Testing

/// Fields and inputs that have an effect with some values of others only, and field sets made of others.
struct ChoiceTests {
  @Test func aFieldWithoutEffectIsNamedWhereItIsWritten() throws {
    let error = #expect(throws: (any Error).self) { try loadChoices(tune("stage: sft, beta: 0.1")) }
    let text = diagnostics(of: try #require(error)).rendered()
    #expect(
      text == """
        tune.yaml:5:48: error: `beta` has no effect with `stage: sft`
              tuned: {type: tune, model: base, stage: sft, beta: 0.1}
                                                           ^
          at `nodes.tuned.beta`
          why: it has one with `stage: dpo`, `cdpo` or `simpo`
          try: Remove it
        """)
  }

  @Test(arguments: [
    // A default counts as given when it is written, and a choice that nobody wrote is said to be none.
    (
      "beta: 0.1",
      [
        "nodes.tuned.beta@36: `beta` has no effect with `stage: sft`, which holds unless given"
          + " | it has one with `stage: dpo`, `cdpo` or `simpo` | Remove it"
      ]
    ),
    (
      "gamma: 0.5, stage: sft",
      [
        "nodes.tuned.gamma@36: `gamma` has no effect with `stage: sft`"
          + " | it has one with `stage: simpo` | Remove it, or say `stage: simpo`"
      ]
    ),
    (
      "from: a, rank: 8",
      ["nodes.tuned.rank@45: `rank` has no effect beside `from` | its own rank holds | Remove one of the two"]
    ),
    ("from: null, rank: 8", []),
    ("from: \"${away}\", rank: 8", []),
    // The nearest of its conditions says what is missing.
    (
      "stage: cdpo, margin: 1",
      [
        "nodes.tuned.margin@49: `margin` has no effect with `loss: sigmoid`, which holds unless given"
          + " | it has one with `stage: dpo` or `cdpo` and with `loss: hinge` | Remove it, or say `loss: hinge`"
      ]
    ),
    (
      "stage: simpo, margin: 1",
      [
        "nodes.tuned.margin@50: `margin` has no effect with `stage: simpo`"
          + " | it has one with `stage: dpo` or `cdpo` and with `loss: hinge` | Remove it"
      ]
    ),
    // A field is missing only where it has an effect.
    ("stage: cdpo, loss: hinge", ["nodes.tuned@3: Field `margin` is missing | distance wanted"]),
    ("stage: cdpo, loss: hinge, margin: 1", []),
    ("stage: cdpo, loss: hinge, margin: null", ["nodes.tuned.margin@70: `margin` has no value | a number is wanted"]),
    // Fields of one name have ranges of their own.
    ("stage: cdpo, beta: 0.5", []),
    ("stage: simpo, beta: 0.5", ["nodes.tuned.beta@56: `0.5` is out of range | it must be at least 1"]),
    // Inputs.
    (
      "reference: base",
      [
        "nodes.tuned.reference@36: `reference` has no effect with `stage: sft`, which holds unless given"
          + " | it has one with `stage: dpo` or `cdpo` | Remove it"
      ]
    ),
    ("reference: null", []),
    ("stage: cdpo, reference: null", []),
    ("stage: cdpo, reference: base", []),
    (
      "stage: dpo",
      [
        "nodes.tuned@3: Input `reference` is missing | it takes the name of a node that gives `model`"
          + " | `reference: NODE`"
      ]
    ),
    ("stage: \"${stage}\", reference: base, loss: sigmoid", []),
    // Groups.
    ("optimizer: {type: lion, betas: [0.9, 0.98]}", []),
    ("optimizer: {betas: [0.9, 0.98]}", []),
    (
      "optimizer: {type: sgd, betas: [0.9, 0.98]}",
      [
        "nodes.tuned.optimizer.betas@59: `betas` has no effect with `type: sgd`"
          + " | it has one with `type: adamw` or `lion` | Remove it"
      ]
    ),
    (
      "optimizer: {type: sgd, nesterov: true, dampening: 0.1}",
      [
        "nodes.tuned.optimizer.dampening@75: `dampening` has no effect with `nesterov: true`"
          + " | it has one with `type: sgd` and with `nesterov: false` | Remove it, or say `nesterov: false`"
      ]
    ),
    ("optimizer: {type: sgd, nesterov: true, dampening: null}", []),
    // What hangs on a wrong value is neither missed nor called useless, but read.
    (
      "stage: simp, beta: 0.1, gamma: much, reference: base",
      [
        "nodes.tuned.stage@43: `simp` is not one of [`sft`, `dpo`, `cdpo`, `simpo`] | `simpo`",
        "nodes.tuned.gamma@67: `much` is not a number",
      ]
    ),
    (
      "optimizer: {type: sdg, betas: [0.1]}",
      [
        "nodes.tuned.optimizer.type@54: `sdg` is not one of [`adamw`, `lion`, `sgd`] | `sgd`"
      ]
    ),
    // Names that have an effect are suggested first.
    (
      "stage: simpo, gama: 1",
      [
        "nodes.tuned.gama@50: Unknown field `gama` | node `tuned` is of type `tune`, which has no such field or input"
          + " | `gamma`"
      ]
    ),
    (
      "gama: 1",
      [
        "nodes.tuned.gama@36: Unknown field `gama` | node `tuned` is of type `tune`, which has no such field or input"
          + " | `gamma`, with `stage: simpo`"
      ]
    ),
    (
      "stage: cdpo, loss: hinge, margn: 1",
      [
        "nodes.tuned.margn@62: Unknown field `margn` | node `tuned` is of type `tune`, which has no such field or input"
          + " | `margin`"
      ]
    ),
    (
      "colour: red",
      [
        "nodes.tuned.colour@36: Unknown field `colour`"
          + " | node `tuned` is of type `tune`, which has no such field or input"
          + " | Its fields and inputs are [`stage`, `from`, `rank`, `optimizer`, `model`]"
      ]
    ),
    (
      "optimizer: {momentun: 1}",
      [
        "nodes.tuned.optimizer.momentun@48: Unknown field `momentun` | `momentum`, with `type: sgd`"
      ]
    ),
    (
      "optimizer: lion",
      [
        "nodes.tuned.optimizer@47: `lion` stands here | a map is wanted, with fields from [`type`, `betas`]"
      ]
    ),
  ])
  func whatIsSaid(fields: String, wanted: [String]) { #expect(complaints(fields) == wanted) }

  @Test func overridesChooseAndAreGiven() throws {
    #expect(
      complaints("", set: ["nodes.tuned.beta=0.1"]) == [
        "nodes.tuned.beta@0: `beta` has no effect with `stage: sft`, which holds unless given"
          + " | it has one with `stage: dpo`, `cdpo` or `simpo` | Remove it"
      ])
    #expect(complaints("beta: 3", set: ["nodes.tuned.stage=simpo"]) == [])
    let pipeline = try loadChoices(
      tune("stage: cdpo, from: null, rank: 8"), set: ["nodes.tuned.beta=0.1", "nodes.tuned.optimizer.betas=[0.9, 0.9]"])
    let node = try #require(pipeline.node("tuned"))
    #expect(node.outputTypes["model"]?["written"] == "beta optimizer optimizer.betas rank stage")
  }

  @Test func keysHoldWhatHasAnEffect() throws {
    func entries(_ fields: String) throws -> [String] {
      let node = try #require(try loadChoices(tune(fields)).node("tuned"))
      let back = try node.type.fields(json: node.fields.json, written: node.fields.written)
      #expect(back.json == node.fields.json && back.keyEntries == node.fields.keyEntries)
      #expect(back.written == node.fields.written)
      return node.fields.keyEntries.map { "\($0.label.dropFirst("fields.".count))=\($0.value.forPeople)" }
    }
    let adamw = ["optimizer.type=adamw", "optimizer.betas=[0.9, 0.999]"]
    #expect(try entries("") == ["stage=sft", "from=nothing", "rank=8"] + adamw)
    #expect(try entries("from: a") == ["stage=sft", "from=a"] + adamw)
    #expect(
      try entries("stage: cdpo") == ["stage=cdpo", "from=nothing", "rank=8"] + adamw + ["beta=0.1", "loss=sigmoid"])
    #expect(
      try entries("stage: cdpo, loss: hinge, margin: 1, from: a")
        == ["stage=cdpo", "from=a"] + adamw + ["beta=0.1", "loss=hinge", "margin=1"])
    // A field that came later is in the key once it differs from what it was born with.
    #expect(try entries("stage: simpo, from: a") == ["stage=simpo", "from=a"] + adamw + ["beta=2"])
    #expect(
      try entries("stage: simpo, from: a, gamma: 0.6") == ["stage=simpo", "from=a"] + adamw + ["beta=2", "gamma=0.6"])
    #expect(
      try entries("from: a, optimizer: {type: lion}")
        == ["stage=sft", "from=a", "optimizer.type=lion", "optimizer.betas=[0.9, 0.99]"])
    #expect(
      try entries("from: a, optimizer: {type: sgd, nesterov: true}")
        == ["stage=sft", "from=a", "optimizer.type=sgd", "optimizer.momentum=0", "optimizer.nesterov=true"])
  }

  @Test func jobsWithFieldsWithoutEffectAreRefused() throws {
    let type = try #require(choiceRegistry["tune"])
    guard case .object(var fields) = type.defaultFields.json else { return }
    #expect(throws: Never.self) { try type.fields(json: .object(fields)) }
    fields["beta"] = 0.1
    let error = #expect(throws: FieldTransportError.self) { try type.fields(json: .object(fields)) }
    #expect(error?.found == "`beta`")
    fields["stage"] = "simpo"
    #expect(throws: FieldTransportError.self) { try type.fields(json: .object(fields)) }
    fields["gamma"] = 1
    #expect(throws: Never.self) { try type.fields(json: .object(fields)) }
  }

  @Test func coverageSeesEveryCase() throws {
    #expect(try KeyCoverage.problems(choiceRegistry) == [])
    #expect(try PartCoverage.problems(choiceRegistry) == [])
    #expect(try DeclarationCoverage.undeclared(choiceRegistry) == [])
  }

  @Test func declarationsThatCannotBeTold() {
    #expect(NodeRegistry.problems(of: ToyTune.self) == [])
    #expect(
      NodeRegistry.problems(of: ToyConfused.self) == [
        "`confused`: `retries` is a setting of every node", "`confused`: `model` is a field and an input",
        "`confused`: `reference` is declared twice for one case",
        "`confused`: the condition of `reference` names `kind: c`, which is no value of it",
        "`confused`: `beta` is declared twice for one case", "`confused`: `size` is declared twice for one case",
        "`confused`: `beta` wants `kind` away, which is never nothing",
        "`confused`: the condition of `size` names `depth`, which does not have an effect wherever it holds",
      ])
  }
}

private enum ToyConfused: NodeType {
  enum Kind: String, FieldChoice {
    case a
    case b
  }
  struct Fields: FieldSet {
    var kind = Kind.a
    var kinds = [Kind.a]
    var number = 1
    var flag = false
    static let fields: [Field<Self>] = [
      Field("kind", \.kind, doc: "A choice"), Field("kinds", \.kinds, doc: "Choices"),
      Field("retries", \.number, doc: "Taken"), Field("model", \.number, doc: "An input"),
      Field("beta", \.number, for: .when("kind", ["a"]), doc: "One"),
      Field("beta", \.number, for: .without("kind"), doc: "Another"),
      Field("beta", \.number, for: .when("kinds", ["b"]), doc: "A third"),
      Field("depth", \.flag, for: .when("kind", ["a"]), doc: "Hangs"),
      Field("size", \.number, for: .when("depth", ["true"]), doc: "Hangs on what hangs"),
      Field("size", \.number, doc: "Always"),
    ]
  }

  static let name = "confused"
  static let summary = "Has faults"
  static let implementationVersion = 1
  static let inputs = [
    InputPort("model", ["model"], doc: "A field too"),
    InputPort("reference", ["model"], for: .when("kind", ["a"]), doc: "One"),
    InputPort("reference", ["model"], for: .when("kind", ["a", "c"]), doc: "Another"),
  ]
  static let outputs: [OutputPort] = []
  static func infer(_ fields: Fields, _ inputs: InputTypes) -> Inference { Inference(outputs: [:]) }
  static func run(_ fields: Fields, in context: NodeContext) {}
}
