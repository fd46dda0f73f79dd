import Datasets
import Evaluation
import LanguageModels
import ModelFolders
import Pipeline
import PreciseJSON
import TensorFiles
import Tensors
import TokenShards
import Training

/// Trains a model on token rows: its adapter when it has one, all of it otherwise.
package enum Train: NodeType {
  package typealias Fields = TrainFields

  package static let name = "train"
  package static let summary = "Trains a model: its adapter when it has one, all of its weights otherwise"
  package static let implementationVersion = 8
  package static let parts = [ReferenceScores.part]
  package static let inputs = [
    InputPort("model", [ArtefactName.model], doc: "The model to start from"),
    InputPort("data", [ArtefactName.tokens], doc: "Rows to learn from"),
    InputPort("validation", [ArtefactName.tokens], optional: true, doc: "Rows for `evaluate_every`"),
    InputPort(
      "reference", [ArtefactName.model], optional: true,
      doc: "What `dpo` compares the model with; the model as it comes in unless given"),
  ]
  package static let outputs = [
    OutputPort("model", ArtefactName.model, doc: "The trained model"),
    OutputPort(
      "metrics", ArtefactName.metrics,
      doc: "`metrics.jsonl`, a line a logged step, `sanity.json`, what the program checked about the training, and "
        + "`loss.svg`; for `dpo` also `rewards.svg`"),
  ]
  package static let execution = Execution.worker(cores: .all)

  package static func infer(_ fields: Fields, _ inputs: InputTypes) -> Inference {
    var conflicts = fields.conflicts
    let isRanked = fields.stage == .dpo
    conflicts += DataFit.conflicts(inputs, data: "data", wants: isRanked ? .pairs : .texts)
    conflicts += DataFit.conflicts(inputs, data: "validation", wants: isRanked ? .pairs : .texts)
    if isRanked {
      conflicts += DataFit.referenceConflicts(inputs)
    } else if inputs["reference"] != nil {
      conflicts.append(
        .init(
          port: "reference", "Stage `\(fields.stage.rawValue)` compares the model with nothing",
          advice: "leave `reference` out, or say `stage: dpo`"))
    }
    if fields.evaluateEvery != nil, inputs["validation"] == nil {
      conflicts.append(
        .init(
          port: "evaluate_every", "`evaluate_every` is given, but no rows to evaluate on",
          advice: "connect `validation:`, for instance to the tokens' `validation` output"))
    }
    if isRanked, let model = inputs["model"]?.type[FacetName.template],
      let data = inputs["data"]?.type[FacetName.template], model != data
    {
      conflicts.append(
        .init(
          port: "data", "The pairs were rendered by another chat template than the model was trained with",
          reason: "theirs is \(data), the model's is \(model)",
          advice: "name the same `template:` in both nodes of type `apply_template`"))
    }
    return Inference(
      outputs: [
        "model": trained(inputs["model"]?.type, on: inputs["data"]?.type),
        "metrics": ArtefactType(ArtefactName.metrics),
      ], conflicts: conflicts)
  }

  /// The type of the trained model: that it was trained with the template of the rows is known from here on.
  private static func trained(_ model: ArtefactType?, on data: ArtefactType?) -> ArtefactType {
    var type = model ?? ArtefactType(ArtefactName.model)
    if let data, data[FacetName.kind]?.text != Record.Kind.text.rawValue, let template = data[FacetName.template] {
      type.facets[FacetName.template] = template
      type.facets[FacetName.templateNames] = data[FacetName.templateNames]
    }
    return type
  }

  package static func run(_ fields: Fields, in context: NodeContext) throws {
    switch fields.stage {
    case .sft:
      try train(SupervisedStage(), fields, in: context) { model, held in
        let result = try Evaluation(model: model).run(rowCount: held.count, row: held.row)
        return [("loss", result.loss), ("accuracy", result.accuracy)]
      }
    case .dpo:
      let scores = try referenceScores(fields, context)
      try train(DPOStage(fields.dpoLoss, reference: scores.data), fields, in: context) { model, held in
        let stage = DPOStage(fields.dpoLoss, reference: scores.validation)
        let result = try StageEvaluation(stage, model: model).run(held.trainingRows)
        return [("loss", result.loss)] + result.measures
      }
    }
  }

  /// What the reference gives to the pairs to learn from, and to the held-out ones where they are evaluated.
  private static func referenceScores(
    _ fields: Fields, _ context: NodeContext
  ) throws -> (data: [PairLogProbabilities], validation: [PairLogProbabilities]) {
    let port = context.inputs("reference").isEmpty ? "model" : "reference"
    let reference = ReferenceScores(
      reference: try ModelArtefact(context, port: port, threads: fields.threads), context: context)
    let data = try reference.scores(of: context.input("data"), what: "pairs")
    guard fields.evaluateEvery != nil, let held = context.inputs("validation").first else { return (data, []) }
    return (data, try reference.scores(of: held, what: "held-out pairs"))
  }

  private static func train(
    _ stage: some TrainingStage, _ fields: Fields, in context: NodeContext,
    evaluate: @escaping (LanguageModel, TokenSet) throws -> [(name: String, value: Double)]
  ) throws {
    let artefact = try ModelArtefact(context, threads: fields.threads)
    let data = try context.input("data")
    let rows = try TokenSet(data)
    let held = try context.inputs("validation").first.map(TokenSet.init)
    let model = try artefact.model(trainsAll: true, longest: max(rows.longest, held?.longest ?? 0))
    model.recomputation = fields.recompute
    let loop = try TrainingLoop(
      model: model, stage: stage, rows: rows.trainingRows, settings: fields.settings,
      checkpoints: CheckpointFolder(path: context.checkpointFolder()))
    var sanity = try TrainSanity.begin(loop, data, rows, context)
    loop.shouldStop = { context.isCancelled }
    loop.onEvent = { TrainReport.tell($0, to: context) }
    if let held { loop.evaluate = { try evaluate($0, held) } }
    let result: TrainingResult
    do {
      result = try loop.run()
    } catch is TrainingInterrupted {
      throw Interrupted()
    }
    try TrainSanity.end(&sanity, result, model, artefact, data, firstLoss(fields, model, in: context))
    try publishModel(model, artefact, Probe(rows.trainingRows), on: data, to: context.output("model"))
    try TrainReport.publish(result, to: context.output("metrics"))
    try sanity.publish(to: context.output("metrics"))
    context.log("\(result.steps) steps, \(result.tokens) tokens, \(result.labelTokens) label tokens")
  }

  /// What the first loss should be; nil where nothing is known about it.
  private static func firstLoss(
    _ fields: Fields, _ model: LanguageModel, in context: NodeContext
  ) throws -> FirstLoss.Expectation? {
    switch fields.stage {
    case .sft: return .tokens(vocabulary: model.configuration.vocabularySize)
    case .dpo:
      let own = try context.input("model").digest
      guard context.inputs("reference").allSatisfy({ $0.digest == own }) else { return nil }
      return .ownReference(beta: fields.beta, rounding: FirstLoss.rounding(model.compute.computeClass))
    }
  }

  private static func publishModel(
    _ model: LanguageModel, _ artefact: ModelArtefact, _ probe: Probe?, on data: ArtefactView,
    to output: ArtefactBuilder
  ) throws {
    if let probe { try output.write(probe.json.text() + "\n", to: Probe.member) }
    output.details = artefact.view.details
    ConversationFormat.take(from: data.details, into: &output.details)
    output.set(type: trained(artefact.view.type, on: data.type))
    if model.adapter != nil {
      try ModelArtefact.include(ModelArtefact.base, of: artefact.view, in: output)
      try ModelArtefact.writeAdapter(of: model, in: output)
    } else {
      try ModelArtefact.writeBase(
        TrainedWeights(model, origin: "the trained model"), like: artefact.source(), as: .float32, in: output)
    }
  }
}
