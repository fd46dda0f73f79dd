import Diagnostics
import LanguageModels
import ModelFolders
import Pipeline
import PreciseJSON
import Tensors

/// Puts an adapter beside a model's linear maps: a fresh one, or one from a PEFT folder.
package enum AttachAdapter: NodeType {
  package typealias Fields = AdapterFields

  package static let name = "attach_adapter"
  package static let summary = "Puts an adapter beside a model's linear maps, so that training changes only it"
  package static let implementationVersion = 2
  package static let parts = [AdapterStartFindings.part]
  package static let inputs = [
    InputPort("model", [ArtefactName.model], doc: "A model without adapter"),
    InputPort(
      "data", [ArtefactName.tokens], for: AdapterFields.whenLooking,
      doc:
        "Rows that the start follows from: such as the model is to learn, or for `corda_method: kpm` such as it is to keep"
    ),
    InputPort(
      "adapter", [ArtefactName.adapter], optional: true,
      doc: "A PEFT folder that another node has made, such as one of type `exec`; in place of a fresh adapter or `from`"
    ),
  ]
  package static let outputs = [OutputPort("model", ArtefactName.model, doc: "The model with the adapter")]
  package static let execution = Execution.worker(cores: .all)

  package static func sources(_ fields: Fields, _ paths: PathReader) throws -> [SourceRequest] {
    try fields.from.map { try AdapterFolder.files(at: paths.text(of: $0)).requests } ?? []
  }

  /// What the inspection calls the outline of the adapter that is continued.
  private static let outlineSight = "adapter_outline"

  package static func inspection(_ fields: Fields, _ sources: NodeSources) throws -> Inspection? {
    guard fields.from != nil else { return nil }
    return Inspection(of: sources) {
      [outlineSight: .text(try AdapterOutline(AdapterFolder(sources.fileSet)).json.text())]
    }
  }

  private static func json(_ text: String?) -> JSON? { text.flatMap { try? JSON(parsing: $0, file: "") } }

  /// Why the adapter that is continued cannot stand beside the model, as far as a plan can tell.
  private static func mismatch(_ inputs: InputTypes, _ model: ModelConfiguration?) -> Inference.Conflict? {
    guard let outline = json(inputs.seen[outlineSight]?.text).flatMap(AdapterOutline.init(json:)), let model,
      let reason = outline.mismatch(with: model)
    else { return nil }
    return .init(
      port: "model", "The adapter was made for another model", reason: reason,
      advice: "connect the adapter's own base")
  }

  package static func infer(_ fields: Fields, _ inputs: InputTypes) -> Inference {
    var conflicts: [Inference.Conflict] = []
    if let model = inputs["model"]?.type, model[FacetName.form] == "adapter" {
      conflicts.append(
        .init(port: "model", "The model has an adapter already", advice: "merge it first, or attach to its base"))
    }
    let made = inputs["adapter"]
    if let made { conflicts += idle(inputs.written, beside: made) }
    let isFresh = fields.from == nil && made == nil
    let model = inputs["model"]?.configuration
    let newBlocks = inputs["model"]?.type.newBlocks ?? []
    // Which blocks they are is known at the latest when the model is there.
    if isFresh, fields.inNewBlocks, newBlocks.isEmpty, inputs["model"]?.type != nil {
      conflicts.append(
        .init(
          port: "new_blocks", "The model has no new blocks",
          reason: "none were inserted by a node of type `expand_model`",
          advice: "put one before, or name the blocks with `layers`"))
    } else if isFresh {
      conflicts += problems(fields, model, newBlocks)
    }
    if isFresh { conflicts += startProblems(fields, inputs) }
    if let mismatch = mismatch(inputs, model) { conflicts.append(mismatch) }
    let outline = json(inputs.seen[outlineSight]?.text).flatMap(AdapterOutline.init(json:))
    let tokens = isFresh ? fields.freshTokens : outline?.virtualTokens?.first ?? 0
    var type = type(inputs["model"]?.type, virtualTokens: made == nil ? tokens : 0)
    if let made {
      take(made.type, into: &type)
      // Learned tokens would take some of it; whether there are any is seen when the adapter is there.
      type.facets[FacetName.length] = nil
    }
    return Inference(
      outputs: ["model": type], conflicts: conflicts, known: inputs["model"]?.knownShape ?? [:])
  }

  /// The fields that are given although the adapter is made by another node.
  private static func idle(_ written: Set<String>, beside made: InputTypes.Source) -> [Inference.Conflict] {
    written.filter { name in !name.contains { $0 == "." || $0 == "[" } }.sorted().map { name in
      .init(
        port: name, "`\(name)` has no effect beside `adapter`",
        reason: "the adapter of `\(made.node)` has a configuration of its own", advice: "Remove one of the two")
    }
  }

  /// What an adapter's type says of the texts that it was trained on holds for the model with it.
  private static func take(_ adapter: ArtefactType, into type: inout ArtefactType) {
    for facet in [FacetName.template, FacetName.templateNames] {
      if let value = adapter[facet] { type.facets[facet] = value }
    }
  }

  /// What cannot be attached: numbers that 32 bits do not hold, options that do not go together, names of nothing.
  private static func problems(
    _ fields: Fields, _ model: ModelConfiguration?, _ newBlocks: [Int]
  ) -> [Inference.Conflict] {
    do throws(AdapterError) {
      let adapter = try fields.fresh(for: model, newBlocks: newBlocks)
      guard let model else {
        try adapter.validate()
        return []
      }
      try model.validate(adapter)
      return fields.idle(adapter, of: model)
    } catch {
      let words = error.diagnostics.first
      return [
        .init(
          port: fields.field(of: error), words?.summary ?? "Unknown target", reason: words?.reason,
          advice: words?.advice)
      ]
    }
  }

  /// What keeps the adapter from starting as it is told to.
  private static func startProblems(_ fields: Fields, _ inputs: InputTypes) -> [Inference.Conflict] {
    var conflicts = DataFit.conflicts(inputs, data: "data", wants: [.texts])
    if let model = inputs["model"]?.type, fields.method == .lora, fields.start == .loftq,
      model[FacetName.weights]?.text.flatMap(LoadModel.Weights.init)?.rounds != true
    {
      conflicts.append(
        .init(
          port: "init", "`init: loftq` has no effect: the base is not rounded",
          reason: "it starts with what the weights lose when `load_model` holds them in fewer bits",
          advice: "say `weights: nf4` there, or take another start"))
    }
    return conflicts
  }

  private static func type(_ base: ArtefactType?, virtualTokens: Int) -> ArtefactType {
    var type = base ?? ArtefactType(ArtefactName.model)
    type.facets[FacetName.form] = "adapter"
    if virtualTokens > 0 {
      // They take positions of the model, of which texts have fewer.
      type.facets[FacetName.virtualTokens] = .integer(virtualTokens)
      type.facets[FacetName.length] = type[FacetName.length]?.integer.map { .integer(max(0, $0 - virtualTokens)) }
    }
    return type
  }

  package static func run(_ fields: Fields, in context: NodeContext) throws {
    let artefact = try ModelArtefact(context)
    let view = artefact.view
    // Shapes decide everything, unless a method starts from weights: then those of its maps are read, one at a time.
    let source = try artefact.source()
    let base = source.configuration
    let output = try context.output("model")
    try ModelArtefact.include(ModelArtefact.base, of: view, in: output)
    try ModelArtefact.include(ModelArtefact.head, of: view, in: output)
    let writer = AdapterWriter(
      baseModel: ModelArtefact.base, tokenizer: nil, card: nil, watch: context.checkCancellation)
    let folder = output.folder + "/" + ModelArtefact.adapter
    let adapter: AdapterConfiguration
    let made = context.inputs("adapter").first
    if fields.from != nil || made != nil {
      let given =
        try made.map { try AdapterFolder(path: context.linkedFolder($0, "adapter")) }
        ?? AdapterFolder(context.sources.fileSet)
      let start = artefact.watched(given)
      adapter = given.configuration
      try given.check(against: base)
      var sanity = SanityReport(context)
      try sanity.add(FiniteTensors(base.adapterTensors(adapter), in: start))
      try sanity.add(
        AdapterStart(
          base.adapterUpdates(adapter, pool: ThreadPool(threads: context.threads)) {
            try start.tensor(named: $0, shape: $1)
          }))
      try writer.write(given, of: base, to: folder)
    } else {
      let start = try FreshAdapter(fields, artefact, source, context)
      adapter = try writer.write(
        fresh: start.adapter, seed: UInt64(fields.seed), of: source, findings: start.findings, to: folder)
    }
    var type = type(view.type, virtualTokens: adapter.method.virtualTokens)
    output.details = view.details
    if let made {
      take(made.type, into: &type)
      ConversationFormat.take(from: made.details, into: &output.details)
    }
    output.set(type: type)
    let trained = base.trainedCount(adapter)
    output.details["trainable_parameters"] = JSON(trained)
    context.log("\(trained) trainable parameters")
  }
}
