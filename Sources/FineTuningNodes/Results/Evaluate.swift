import Evaluation
import Pipeline
import PreciseJSON

/// Measures how well a model predicts the labels of token rows.
package enum Evaluate: NodeType {
  package struct Fields: FieldSet {
    var threads: Int?

    package init() {}

    package static let fields: [Field<Self>] = [
      Field(
        "threads", \.threads, in: 1...128, role: .speed,
        doc: "Threads to compute with; the result never depends on it")
    ]
  }

  package static let name = "evaluate"
  package static let summary = "Measures loss, perplexity and token accuracy of a model on token rows"
  package static let implementationVersion = 1
  package static let inputs = [
    InputPort("model", [ArtefactName.model], doc: "The model to measure"),
    InputPort("data", [ArtefactName.tokens], doc: "Rows to measure it on"),
  ]
  package static let outputs = [
    OutputPort(
      "metrics", ArtefactName.metrics,
      doc: "`metrics.json` with `loss` (mean over label tokens), `perplexity`, `accuracy`, `label_tokens`")
  ]
  package static let execution = Execution.worker(cores: .all)

  package static func infer(_ fields: Fields, _ inputs: InputTypes) -> Inference {
    Inference(
      outputs: ["metrics": ArtefactType(ArtefactName.metrics)], conflicts: DataFit.conflicts(inputs, data: "data"))
  }

  package static func run(_ fields: Fields, in context: NodeContext) throws {
    let rows = try TokenSet(context.input("data"))
    let model = try ModelArtefact(context, threads: fields.threads).model()
    let result = try Evaluation(model: model).run(rowCount: rows.count, row: rows.row) { done in
      context.progress(ProgressUpdate(step: done, total: rows.count, unit: "rows"))
      try context.checkCancellation()
    }
    let output = try context.output("metrics")
    try output.write(result.json.text(.pretty) + "\n", to: "metrics.json")
    for (key, value) in result.json.object?.members ?? [] { output.details[key] = value }
    context.log("loss \(result.loss), perplexity \(result.perplexity), token accuracy \(result.accuracy)")
  }
}
