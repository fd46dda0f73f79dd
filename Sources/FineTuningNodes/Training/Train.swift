import Datasets
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
  package static let implementationVersion = 9
  package static let parts = ReferenceScores.parts + [ModelSpectrum.part]
  package static let inputs =
    [
      InputPort("model", [ArtefactName.model], doc: "The model to start from"),
      InputPort("data", [ArtefactName.tokens], doc: "Rows to learn from"),
      InputPort("validation", [ArtefactName.tokens], optional: true, doc: "Rows for `evaluate_every`"),
    ] + stagePorts()
    + [
      InputPort(
        StageModel.tokenizer.port, [ArtefactName.tokenizer], optional: true,
        for: .when("stage", trainingStages.filter { !$0.takesTokenizer }.map { $0.name }),
        doc: "What reads the answers of `samples`")
    ]
  package static let outputs = [
    OutputPort("model", ArtefactName.model, doc: "The trained model"),
    OutputPort(
      "metrics", ArtefactName.metrics,
      doc: "`metrics.jsonl`, a line a logged step, `sanity.json`, what the program checked about the training, and "
        + "`loss.svg`; with `samples` also `samples.jsonl`"
        + trainingStages.compactMap { stage in stage.picture.map { "; for `\(stage.name)` also `\($0.file)`" } }
        .joined()
    ),
  ]
  package static let execution = Execution.worker(cores: .all)

  package static func sources(_ fields: Fields, _ paths: PathReader) throws -> [SourceRequest] {
    try fields.stage.declaration.sources(fields.own)
  }

  package static func infer(_ fields: Fields, _ inputs: InputTypes) -> Inference {
    let stage = fields.stage.declaration
    var conflicts = fields.conflicts(written: inputs.written) + stage.conflicts(fields.own, inputs)
    conflicts += stage.conflicts(fields.own, batchSize: fields.batchTokens == nil ? fields.batchSize : 1 << 30)
    conflicts += TrainSamples.conflicts(fields, inputs) + DataFit.tokenizerConflicts(inputs)
    conflicts += DataFit.conflicts(inputs, data: "data", wants: [stage.rows], hasStage: true)
    conflicts += DataFit.conflicts(inputs, data: "validation", wants: [stage.rows], hasStage: true)
    if let model = inputs["model"]?.type, let held = model[FacetName.weights]?.text, model[FacetName.form] != "adapter"
    {
      conflicts.append(
        .init(
          port: "model", "All weights are to be trained, but `load_model` holds them by `weights: \(held)`",
          reason: "weights in such forms are frozen",
          advice: "put a node of type `attach_adapter` between, or leave `weights` out"))
    }
    conflicts += fields.trainableConflicts(inputs)
    if fields.loraPlusRatio != nil, let model = inputs["model"]?.type, model[FacetName.form] != "adapter" {
      conflicts.append(
        .init(
          port: "lora_plus_ratio", "`lora_plus_ratio` has no effect: the model has no adapter",
          advice: "put a node of type `attach_adapter` before, or leave it out"))
    }
    if fields.evaluateEvery == nil, inputs["validation"] != nil {
      conflicts.append(
        .init(
          port: "validation", "`validation` has no effect: nothing says how often to evaluate",
          advice: "give `evaluate_every`, or leave it out"))
    }
    if fields.evaluateEvery != nil, inputs["validation"] == nil {
      conflicts.append(
        .init(
          port: "evaluate_every", "`evaluate_every` is given, but no rows to evaluate on",
          advice: "connect `validation:`, for instance to the tokens' `validation` output"))
    }
    if stage.rows.keepsTemplate, let model = inputs["model"]?.type[FacetName.template],
      let data = inputs["data"]?.type[FacetName.template], model != data
    {
      conflicts.append(
        .init(
          port: "data", "The \(stage.rows.unit) were rendered by another chat template than the model was trained with",
          reason: "theirs is \(data), the model's is \(model)",
          advice: "name the same `template:` in both nodes of type `apply_template`"))
    }
    return Inference(
      outputs: [
        "model": trained(inputs["model"]?.type, on: inputs["data"]?.type, stage),
        "metrics": ArtefactType(ArtefactName.metrics),
      ], conflicts: conflicts, known: inputs["model"]?.knownShape ?? [:])
  }

  /// The type of the trained model: that it was trained with the template of the rows is known from here on.
  private static func trained(
    _ model: ArtefactType?, on data: ArtefactType?, _ stage: any StageDeclaration.Type
  ) -> ArtefactType {
    var type = model ?? ArtefactType(ArtefactName.model)
    // What scored the hidden states of the model as it was does not score those of another one.
    type.facets[FacetName.head] = stage.trainsHead ? ModelArtefact.rewardHead : nil
    if let data, data[FacetName.kind]?.text != Record.Kind.text.rawValue, let template = data[FacetName.template] {
      type.facets[FacetName.template] = template
      type.facets[FacetName.templateNames] = data[FacetName.templateNames]
    }
    return type
  }

  package static func run(_ fields: Fields, in context: NodeContext) throws {
    try run(fields.stage.declaration, fields, in: context)
  }

  private static func run<Declaration: StageDeclaration>(
    _ declaration: Declaration.Type, _ fields: Fields, in context: NodeContext
  ) throws {
    let own = fields.own[declaration]
    let data = try context.input("data")
    var inputs = StageInputs(
      context: context, data: data, what: declaration.rows.unit, fallback: "model", threads: fields.threads,
      seed: UInt64(fields.seed))
    if declaration.trainsHead { inputs.head = try inputs.scoreHead() }
    let stage = try declaration.stage(own, inputs)
    let validation = context.inputs("validation").first
    let heldStage =
      try fields.evaluateEvery == nil
      ? nil
      : validation.map {
        try declaration.measured(
          own,
          StageInputs(
            context: context, data: $0, what: "held-out \(declaration.rows.unit)", fallback: "model",
            threads: fields.threads, head: inputs.head))
      }

    let artefact = try ModelArtefact(context, threads: fields.threads)
    let rows = try TokenSet(data)
    let held = try validation.map(TokenSet.init)
    if held?.count == 0 { throw TrainingError.nothingHeldOut }
    let parts = try selection(fields, artefact, context)
    let longest = max(rows.longest, held?.longest ?? 0)
    let model = try artefact.model(
      trains: { parts?.selection.names.contains($0) ?? true },
      longest: max(
        declaration.longest(own, rows: longest), fields.samples.map { longest + $0.settings.maximumTokens } ?? 0))
    model.recomputation = fields.recompute
    var settings = fields.settings
    settings.draw = parts?.selection.draw
    let loop = try TrainingLoop(
      model: model, stage: stage, rows: rows.trainingRows, settings: settings,
      checkpoints: CheckpointFolder(path: context.checkpointFolder(), kept: fields.keepCheckpoints))
    var sanity = try TrainSanity.begin(loop, data, rows, context)
    loop.shouldStop = { context.isCancelled }
    loop.shouldSave = {
      let isAsked = context.takeSaveRequest()
      if isAsked { context.log("saves a checkpoint, as asked for") }
      return isAsked
    }
    loop.onEvent = { TrainReport.tell($0, declaration.measures, to: context) }
    if let held, let heldStage {
      loop.evaluate = { model in
        let result = try StageEvaluation(heldStage, model: model).run(held.trainingRows)
        return [("loss", result.loss)] + result.measures.means
      }
    }
    if let wanted = fields.samples?.settings {
      let samples = try TrainSamples(
        wanted, held ?? rows, validation ?? data, tokenizer: context.tokenizer())
      loop.sample = samples.records
    }
    let result: TrainingResult
    do {
      result = try loop.run()
    } catch is TrainingInterrupted {
      throw Interrupted()
    }
    try model.checkFiles()
    try TrainSanity.end(&sanity, result, model, artefact, data, declaration.firstLoss(own, inputs, model))
    let output = try context.output("model")
    try publishModel(model, artefact, parts?.selection, Probe(rows.trainingRows), on: data, to: output)
    output.set(type: trained(artefact.view.type, on: data.type, declaration))
    if declaration.trainsHead { try ModelArtefact.writeHead(loop.stage.parameters, in: output) }
    try TrainReport.publish(result, declaration.picture, fields, to: context.output("metrics"))
    if let report = parts?.report {
      try context.output("metrics").write(report.text(.pretty) + "\n", to: "spectrum.json")
    }
    try sanity.publish(to: context.output("metrics"))
    TrainReport.tellEnding(result, to: context)
    context.log("\(result.steps) steps, \(result.tokens) tokens, \(result.labelTokens) label tokens")
  }

  private static func publishModel(
    _ model: LanguageModel, _ artefact: ModelArtefact, _ parts: PartSelection?, _ probe: Probe?,
    on data: ArtefactView, to output: ArtefactBuilder
  ) throws {
    if let probe { try output.write(probe.json.text() + "\n", to: Probe.member) }
    output.details = artefact.view.details
    ConversationFormat.take(from: data.details, into: &output.details)
    if model.adapter != nil {
      try ModelArtefact.include(ModelArtefact.base, of: artefact.view, in: output)
      try ModelArtefact.writeAdapter(of: model, in: output)
    } else {
      let source = try artefact.source()
      let origin = "the trained model"
      let weights =
        parts.map { TrainedWeights(model, $0.names, over: artefact.watched(source.weights), origin: origin) }
        ?? TrainedWeights(model, origin: origin)
      try ModelArtefact.writeBase(weights, like: source, as: .float32, in: output)
    }
  }
}
