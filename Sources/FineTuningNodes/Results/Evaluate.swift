import Datasets
import Diagnostics
import Evaluation
import Pipeline
import PreciseJSON
import Training

/// Measures how well a model predicts the labels of token rows, or how well it tells chosen from rejected answers.
package enum Evaluate: NodeType {
  package struct Fields: FieldSet {
    var beta = DPOLoss().beta
    var threads: Int?

    package init() {}

    package static let fields: [Field<Self>] = [
      Field(
        "beta", \.beta, in: .above(0),
        doc: "Preference pairs: what log-probability ratios are multiplied by to be rewards"),
      Field(
        "threads", \.threads, in: 1...128, role: .speed,
        doc: "Threads to compute with; the result never depends on it"),
    ]
  }

  package static let name = "evaluate"
  package static let summary = "Measures a model on token rows: loss and accuracy, or rewards on preference pairs"
  package static let implementationVersion = 7
  package static let parts = [ReferenceScores.part]
  package static let inputs = [
    InputPort("model", [ArtefactName.model], doc: "The model to measure"),
    InputPort("data", [ArtefactName.tokens], doc: "Rows to measure it on"),
    InputPort(
      "reference", [ArtefactName.model], optional: true,
      doc: "Preference pairs: what the model is compared with; without it the log-probabilities alone are the rewards"),
  ]
  package static let outputs = [
    OutputPort(
      "metrics", ArtefactName.metrics,
      doc: "`metrics.json` with `loss` (mean over label tokens), `perplexity`, `accuracy`, `label_tokens`; for "
        + "preference pairs `loss` (mean over pairs), `rewards_accuracy`, `rewards_margin` and what they are made of")
  ]
  package static let execution = Execution.worker(cores: .all)

  package static func infer(_ fields: Fields, _ inputs: InputTypes) -> Inference {
    var conflicts = DataFit.conflicts(inputs, data: "data", wants: .either)
    if let kind = inputs["data"]?.type[FacetName.kind]?.text, kind != Record.Kind.preference.rawValue {
      for (name, isGiven) in [
        ("reference", inputs["reference"] != nil), ("beta", fields.beta != DPOLoss().beta),
      ] where isGiven {
        conflicts.append(
          .init(
            port: name, "`\(name)` has no effect on rows that are not preference pairs",
            reason: "the rows are of kind \(kind)", advice: "leave it out, or connect pairs"))
      }
    } else {
      conflicts += DataFit.referenceConflicts(inputs)
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
    let isRanked = data.type[FacetName.kind]?.text == Record.Kind.preference.rawValue
    let metrics = try isRanked ? preference(fields, data, context) : supervised(fields, data, context)
    let output = try context.output("metrics")
    try output.write(metrics.text(.pretty) + "\n", to: "metrics.json")
    for (key, value) in metrics.object?.members ?? [] { output.details[key] = value }
    var sanity = SanityReport(context)
    try sanity.add(StopToken(data, TokenSet(data)))
    if !isRanked, let loss = metrics["loss"]?.double,
      let vocabulary = try context.input("model").type[FacetName.vocabulary]?.integer
    {
      try sanity.add(MeasuredLoss(loss, vocabulary: vocabulary))
    }
    try sanity.publish(to: output)
  }

  private static func supervised(
    _ fields: Fields, _ data: ArtefactView, _ context: NodeContext
  ) throws -> JSON {
    let rows = try TokenSet(data)
    let model = try ModelArtefact(context, threads: fields.threads).model(longest: rows.longest)
    let result = try Evaluation(model: model).run(rowCount: rows.count, row: rows.row) { done in
      context.progress(ProgressUpdate(step: done, total: rows.count, unit: "rows"))
      try context.checkCancellation()
    }
    context.log("loss \(result.loss), perplexity \(result.perplexity), token accuracy \(result.accuracy)")
    return result.json
  }

  private static func preference(
    _ fields: Fields, _ data: ArtefactView, _ context: NodeContext
  ) throws -> JSON {
    let rows = try TokenSet(data)
    var reference = [PairLogProbabilities](repeating: .init(chosen: 0, rejected: 0), count: rows.count)
    if !context.inputs("reference").isEmpty {
      let artefact = try ModelArtefact(context, port: "reference", threads: fields.threads)
      reference = try ReferenceScores(reference: artefact, context: context).scores(of: data, what: "pairs")
    }
    let model = try ModelArtefact(context, threads: fields.threads).model(longest: rows.longest)
    let stage = DPOStage(DPOLoss(beta: fields.beta), reference: reference)
    let result = try StageEvaluation(stage, model: model).run(rows.trainingRows) { done in
      context.progress(ProgressUpdate(step: done, total: rows.count, unit: "pairs"))
      try context.checkCancellation()
    }
    context.log("loss \(result.loss)")
    for (name, value) in result.measures { context.log("\(name) \(value)") }
    var metrics = JSONObject()
    metrics["loss"] = JSON(result.loss)
    for (name, value) in result.measures { metrics[name] = JSON(value) }
    metrics["pairs"] = JSON(result.rows)
    metrics["tokens"] = JSON(result.tokens)
    metrics["label_tokens"] = JSON(result.labelTokens)
    return .object(metrics)
  }
}
