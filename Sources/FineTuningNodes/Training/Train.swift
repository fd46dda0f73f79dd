import Evaluation
import LanguageModels
import ModelFolders
import Pipeline
import PreciseJSON
import TensorFiles
import TokenShards
import Training

/// Trains a model on token rows: its adapter when it has one, all of it otherwise.
package enum Train: NodeType {
  package typealias Fields = TrainFields

  package static let name = "train"
  package static let summary = "Trains a model: its adapter when it has one, all of its weights otherwise"
  package static let implementationVersion = 1
  package static let inputs = [
    InputPort("model", [ArtefactName.model], doc: "The model to start from"),
    InputPort("data", [ArtefactName.tokens], doc: "Rows to learn from"),
    InputPort("validation", [ArtefactName.tokens], optional: true, doc: "Rows for `evaluate_every`"),
  ]
  package static let outputs = [
    OutputPort("model", ArtefactName.model, doc: "The trained model"),
    OutputPort("metrics", ArtefactName.metrics, doc: "`metrics.jsonl`, a line a logged step, and `loss.svg`"),
  ]
  package static let execution = Execution.worker(cores: .all)

  package static func infer(_ fields: Fields, _ inputs: InputTypes) -> Inference {
    var conflicts = fields.conflicts
    conflicts += DataFit.conflicts(inputs, data: "data")
    conflicts += DataFit.conflicts(inputs, data: "validation")
    if fields.evaluateEvery != nil, inputs["validation"] == nil {
      conflicts.append(
        .init(
          port: "evaluate_every", "`evaluate_every` is given, but no rows to evaluate on",
          advice: "connect `validation:`, for instance to the tokens' `validation` output"))
    }
    return Inference(
      outputs: [
        "model": inputs["model"]?.type ?? ArtefactType(ArtefactName.model),
        "metrics": ArtefactType(ArtefactName.metrics),
      ], conflicts: conflicts)
  }

  package static func run(_ fields: Fields, in context: NodeContext) throws {
    let artefact = try ModelArtefact(context, threads: fields.threads)
    let model = try artefact.model(trainsAll: true)
    let rows = try TokenSet(context.input("data"))
    let loop = try TrainingLoop(
      model: model, stage: SupervisedStage(), rows: TrainingRows(count: rows.count, read: rows.row),
      settings: fields.settings, checkpoints: CheckpointFolder(path: context.checkpointFolder()))
    loop.shouldStop = { context.isCancelled }
    loop.onEvent = { report($0, to: context) }
    if let validation = context.inputs("validation").first {
      let held = try TokenSet(validation)
      loop.evaluate = { model in
        let result = try Evaluation(model: model).run(rowCount: held.count, row: held.row)
        return [("loss", result.loss), ("accuracy", result.accuracy)]
      }
    }
    let result: TrainingResult
    do {
      result = try loop.run()
    } catch is TrainingInterrupted {
      throw Interrupted()
    }
    try publishModel(model, artefact, to: context.output("model"))
    try publishMetrics(result, to: context.output("metrics"))
    context.log("\(result.steps) steps, \(result.tokens) tokens, \(result.labelTokens) label tokens")
  }

  private static func publishModel(
    _ model: LanguageModel, _ artefact: ModelArtefact, to output: ArtefactBuilder
  ) throws {
    output.details = artefact.view.details
    output.set(type: artefact.view.type)
    if model.adapter != nil {
      try ModelArtefact.include(ModelArtefact.base, of: artefact.view, in: output)
      try ModelArtefact.writeAdapter(of: model, in: output)
    } else {
      try ModelArtefact.writeBase(
        TrainedWeights(model, origin: "the trained model"), like: artefact.source(), as: .float32, in: output)
    }
  }

  private static func publishMetrics(_ result: TrainingResult, to output: ArtefactBuilder) throws {
    try output.write(result.metrics.map { $0.text() + "\n" }.joined(), to: "metrics.jsonl")
    func points(_ key: String) -> [(step: Int, loss: Double)] {
      result.metrics.compactMap { record in
        guard let step = record["step"]?.int, let loss = record[key]?.double else { return nil }
        return (step, loss)
      }
    }
    let curve = LossCurve.svg(
      title: "Training loss", logged: points("loss"), evaluated: points("eval_loss"))
    try output.write(curve, to: "loss.svg")
    output.details["steps"] = JSON(result.steps)
    output.details["tokens"] = JSON(result.tokens)
    output.details["label_tokens"] = JSON(result.labelTokens)
  }

  private static func report(_ event: TrainingEvent, to context: NodeContext) {
    switch event {
    case .started(let step, let total):
      if step > 0 { context.log("goes on after step \(step) of \(total), from a checkpoint") }
    case .progressed(let progress):
      context.progress(
        ProgressUpdate(
          step: progress.step, total: progress.totalSteps,
          metrics: [
            .init("loss", progress.loss), .init("tokens", progress.tokensPerSecond, .perSecond),
          ], secondsLeft: progress.secondsLeft))
    case .recorded(let record):
      if let loss = record["eval_loss"]?.double, let step = record["step"]?.int {
        context.log("step \(step): held-out loss \(loss)")
      }
    case .saved: break
    }
  }
}
