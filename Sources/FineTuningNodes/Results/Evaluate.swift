import Datasets
import Diagnostics
import Glibc
import Pipeline
import PreciseJSON
import Training

/// Measures how well a model predicts the labels of token rows, or how well it tells chosen from rejected answers.
package enum Evaluate: NodeType {
  package struct Fields: FieldSet {
    var stage = MeasuredStage.auto
    var beta = PairObjective([]).beta
    /// What the stages have of their own.
    var own = StageFields()
    var threads: Int?

    package init() {}

    package static let fields: [Field<Self>] =
      [
        Field(
          "stage", \.stage, since: Birth(default: .auto),
          doc:
            "Whose loss and measures: those of a stage of `train`; `auto` takes `sft` for single texts, `dpo` for pairs and `kto` for judged "
            + "answers"
        ),
        Field(
          "beta", \.beta, in: .above(0), for: .when("stage", [MeasuredStage.auto.rawValue]),
          doc: "Preference pairs: what log-probability ratios are multiplied by to be rewards"),
        Field(
          "threads", \.threads, in: 1...128, role: .speed,
          doc: "Threads to compute with; the result never depends on it"),
      ] + stageFields(learns: false, get: { $0.own }, set: { $0.own = $1 })
  }

  package static let name = "evaluate"
  package static let summary = "Measures a model on token rows: loss and accuracy, or rewards on preference pairs"
  package static let implementationVersion = 7
  package static let parts = ReferenceScores.parts
  package static let inputs =
    [
      InputPort("model", [ArtefactName.model], doc: "The model to measure"),
      InputPort("data", [ArtefactName.tokens], doc: "Rows to measure it on"),
    ]
    + stagePorts(others: [MeasuredStage.auto.rawValue], learns: false).map { port in
      var port = port
      guard port.name == StageModel.reference.port else { return port }
      port.doc = "What the model is compared with; without it the log-probabilities alone are the rewards"
      return port
    }
  package static let outputs = [
    OutputPort(
      "metrics", ArtefactName.metrics,
      doc: "`metrics.json` with `loss` (mean over label tokens), `perplexity`, `accuracy`, `label_tokens`; for "
        + "preference pairs `loss` (mean over pairs), `rewards_accuracy`, `rewards_margin` and what they are made of")
  ]
  package static let execution = Execution.worker(cores: .all)

  package static func sources(_ fields: Fields, _ paths: PathReader) throws -> [SourceRequest] {
    try fields.stage.declaration?.sources(fields.own) ?? []
  }

  package static func infer(_ fields: Fields, _ inputs: InputTypes) -> Inference {
    let chosen = fields.stage.declaration
    var conflicts = DataFit.conflicts(
      inputs, data: "data", wants: chosen.map { [$0.rows] } ?? RowShape.all, hasStage: true)
    if let chosen {
      conflicts += chosen.conflicts(fields.own, inputs)
      if chosen.trainsHead, let model = inputs["model"]?.type, model[FacetName.head] == nil {
        conflicts.append(
          .init(
            port: "model", "The model has no head that scores", reason: "`stage: \(chosen.name)` measures scores",
            advice: "connect a model that was trained by `stage: \(chosen.name)`"))
      }
    } else if inputs["data"]?.type[FacetName.kind]?.text == Record.Kind.prompt.rawValue {
      conflicts.append(
        .init(
          port: "data", "Nothing says what answers to the prompts are worth",
          advice: "say a stage that samples, such as `stage: grpo`, with its `rewards`"))
    } else if let type = inputs["data"]?.type, let kind = type[FacetName.kind]?.text,
      kind != Record.Kind.preference.rawValue
    {
      let takesReference = stage(for: type).models.contains { $0.port == "reference" && $0.condition == nil }
      for (name, isGiven) in [
        ("reference", inputs["reference"] != nil && !takesReference), ("beta", inputs.written.contains("beta")),
      ] where isGiven {
        conflicts.append(
          .init(
            port: name, "`\(name)` has no effect on rows that are not preference pairs",
            reason: "the rows are of kind \(kind)", advice: "leave it out, or connect pairs"))
      }
    } else {
      conflicts += PreferenceTuning.conflicts(StageFields(), inputs)
    }
    return Inference(outputs: ["metrics": ArtefactType(ArtefactName.metrics)], conflicts: conflicts)
  }

  package static func run(_ fields: Fields, in context: NodeContext) throws {
    let data = try context.input("data")
    let trained = try context.input("model").type[FacetName.template]
    if let trained, let rendered = data.type[FacetName.template], trained != rendered {
      context.warn(
        Diagnostic(
          .warning, code: "other-template",
          "The rows were rendered by another chat template than the model was trained with",
          reason: "theirs is \(rendered), the model's is \(trained)"))
    }
    if let stage = fields.stage.declaration {
      try measure(stage, fields.own, fields.threads, data, context)
    } else {
      var own = fields.own
      own[PreferenceTuning.self].beta = fields.beta
      try measure(stage(for: data.type), own, fields.threads, data, context)
    }
  }

  /// The first stage that learns from such rows; what it says about them is measured.
  private static func stage(for data: ArtefactType) -> any StageDeclaration.Type {
    let kind = data[FacetName.kind]?.text.flatMap(Record.Kind.init)
    return trainingStages.first { stage in kind.map { stage.rows.kinds.contains($0) } ?? false }
      ?? SupervisedTuning.self
  }

  private static func measure<Declaration: StageDeclaration>(
    _ declaration: Declaration.Type, _ own: StageFields, _ threads: Int?, _ data: ArtefactView, _ context: NodeContext
  ) throws {
    let rows = try TokenSet(data)
    let shape = declaration.rows
    let stage = try declaration.measured(
      own[declaration],
      StageInputs(context: context, data: data, what: shape.unit, fallback: nil, threads: threads))
    let model = try ModelArtefact(context, threads: threads).model(
      longest: declaration.longest(own[declaration], rows: rows.longest))
    let result = try StageEvaluation(stage, model: model).run(rows.trainingRows) { done in
      context.progress(ProgressUpdate(step: done, total: rows.count, unit: shape.unit))
      try context.checkCancellation()
    }
    var metrics = JSONObject()
    metrics["loss"] = JSON(result.loss)
    if shape.isOfTokens { metrics["perplexity"] = JSON(exp(result.loss)) }
    for (name, value) in result.measures.means { metrics[name] = JSON(value) }
    for (name, value) in metrics.members { context.log("\(name) \(value.text())") }
    metrics["label_tokens"] = JSON(result.labelTokens)
    metrics["tokens"] = JSON(result.tokens)
    metrics[shape.unit] = JSON(result.rows)

    let output = try context.output("metrics")
    try output.write(JSON.object(metrics).text(.pretty) + "\n", to: "metrics.json")
    for (key, value) in metrics.members { output.details[key] = value }
    var sanity = SanityReport(context)
    try sanity.add(StopToken(data, rows))
    if shape.isOfTokens, let vocabulary = try context.input("model").type[FacetName.vocabulary]?.integer {
      try sanity.add(MeasuredLoss(result.loss, vocabulary: vocabulary))
    }
    try sanity.publish(to: output)
  }
}

/// The stage whose measures are wanted: one of the registry, or what the rows suggest.
package struct MeasuredStage: FieldChoice, Hashable {
  package let rawValue: String

  package static let auto = MeasuredStage("auto")
  package static let allCases = [auto] + StageName.allCases.map { MeasuredStage($0.rawValue) }

  private init(_ name: String) { rawValue = name }

  package init?(rawValue: String) {
    guard let known = Self.allCases.first(where: { $0.rawValue == rawValue }) else { return nil }
    self = known
  }

  /// Nil where the rows decide.
  var declaration: (any StageDeclaration.Type)? { StageName(rawValue: rawValue)?.declaration }
}
