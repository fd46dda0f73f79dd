import LanguageModels
import ModelFolders
import Pipeline
import PreciseJSON
import TensorFiles
import Tensors

/// Adds an adapter to the weights it stands beside.
package enum Merge: NodeType {
  /// How the merged weights are stored.
  package enum Precision: String, FieldChoice {
    case auto
    case f32
    case bf16
    case f16

    /// The type of every tensor; nil keeps each one's own, and makes quantised ones bf16.
    var elementType: ElementType? {
      switch self {
      case .auto: nil
      case .f32: .float32
      case .bf16: .bfloat16
      case .f16: .float16
      }
    }
  }

  package struct Fields: FieldSet {
    var dtype = Precision.auto

    package init() {}

    package static let fields: [Field<Self>] = [
      Field(
        "dtype", \.dtype,
        doc:
          "The type of the stored weights; `auto` keeps the base's own, or takes bf16 for quantised ones. A base that "
          + "`load_model` rounded is written as it was rounded")
    ]
  }

  package static let name = "merge"
  package static let summary = "Adds an adapter to its base's weights: in f32, rounded once"
  package static let implementationVersion = 2
  package static let inputs = [InputPort("model", [ArtefactName.model], doc: "A model with an adapter")]
  package static let outputs = [
    OutputPort("model", ArtefactName.model, doc: "The model without adapter"),
    OutputPort(
      "metrics", ArtefactName.metrics,
      doc:
        "`sanity.json`: what the program checked about the merged model, compared with base and adapter on a few rows"),
  ]
  package static let execution = Execution.worker(cores: .all)

  package static func infer(_ fields: Fields, _ inputs: InputTypes) -> Inference {
    let model = inputs["model"]?.type
    var conflicts: [Inference.Conflict] = []
    if let form = model?[FacetName.form], form != "adapter" {
      conflicts.append(.init(port: "model", "The model has no adapter to merge", advice: "leave the node out"))
    }
    if let tokens = model?[FacetName.virtualTokens]?.integer {
      conflicts.append(
        .init(
          port: "model", "The adapter cannot be merged: it puts \(tokens) learned tokens before every text",
          reason: "no weights do the same without them", advice: "use the model with its adapter, or export it"))
    }
    return Inference(
      outputs: ["model": type(model), "metrics": ArtefactType(ArtefactName.metrics)], conflicts: conflicts,
      known: inputs["model"]?.knownShape ?? [:])
  }

  private static func type(_ model: ArtefactType?) -> ArtefactType {
    var type = model ?? ArtefactType(ArtefactName.model)
    type.facets[FacetName.form] = "all"
    // What is merged is written out: it is held as any other model.
    type.facets[FacetName.weights] = nil
    return type
  }

  /// Base and adapter added; where the base was rounded, what it was rounded to: the adapter was trained beside that.
  private static func mergedWeights(
    _ artefact: ModelArtefact, _ source: ModelFolder, _ adapter: AdapterFolder, _ pool: ThreadPool,
    _ context: NodeContext
  ) throws -> any WeightSource {
    let held = artefact.heldWeights
    guard held.rounds else { return try AdaptedWeights(source, adapter: adapter, pool: pool) }
    context.log("the adapter is added to the base as it was held, `weights: \(held.rawValue)`, expanded")
    return TrainedWeights(try artefact.model(), origin: "the model with its adapter")
  }

  package static func run(_ fields: Fields, in context: NodeContext) throws {
    let artefact = try ModelArtefact(context)
    let source = try artefact.source()
    let pool = ThreadPool(threads: context.threads)
    let adapter = try artefact.adapter()
    let output = try context.output("model")
    let writer = ModelArtefact.baseWriter(like: source, as: fields.dtype.elementType)
    let updates = artefact.watched(adapter)
    var sanity = SanityReport(context)
    try sanity.add(DiskSpace(needed: writer.tensorBytes, context))
    try sanity.add(
      AdapterEffect(
        source.configuration.adapterUpdates(adapter.configuration, pool: pool) {
          try updates.tensor(named: $0, shape: $1)
        }))
    try writer.write(
      artefact.watched(mergedWeights(artefact, source, adapter, pool, context)),
      to: ModelArtefact.basePath(in: output))
    let merged = try ModelFolder.open(ModelArtefact.basePath(in: output))
    try sanity.add(
      FiniteTensors(
        merged.configuration.tensors.map { ($0.name, $0.shape) }, in: artefact.watched(merged.weights)))
    try sanity.add(
      MergeComparison(artefact: artefact, merged: ModelArtefact.basePath(in: output), threads: context.threads).run())
    try sanity.publish(to: context.output("metrics"))
    try ModelArtefact.include(ModelArtefact.head, of: artefact.view, in: output)
    output.details["compute"] = artefact.view.details["compute"]
    ConversationFormat.take(from: artefact.view.details, into: &output.details)
    output.set(type: type(artefact.view.type))
  }
}
