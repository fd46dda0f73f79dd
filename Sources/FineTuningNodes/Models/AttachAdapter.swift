import Diagnostics
import LanguageModels
import ModelFolders
import Pipeline
import PreciseJSON
import Tensors

/// Puts a low-rank adapter beside a model's linear maps: a fresh one, or one from a PEFT folder.
package enum AttachAdapter: NodeType {
  package enum Method: String, FieldChoice {
    case lora
  }

  package struct Fields: FieldSet {
    var method = Method.lora
    var rank = 8
    var alpha: Double?
    var dropout = 0.0
    var targets = ["all_linear"]
    var rslora = false
    var seed = 42
    var from: FilePath?

    package init() {}

    private static let whenFresh = FieldCondition.without("from", because: "the adapter's own configuration holds")

    package static let fields: [Field<Self>] = [
      Field("method", \.method, for: whenFresh, doc: "`lora` adds the product of two thin matrices to a frozen one"),
      Field("rank", \.rank, in: 1...4096, for: whenFresh, doc: "Inner dimension of the two matrices"),
      Field(
        "alpha", \.alpha, in: .above(0), for: whenFresh,
        doc: "The update is scaled by alpha ÷ rank; twice the rank unless given"),
      Field(
        "dropout", \.dropout, in: 0..<1.0, for: whenFresh,
        doc: "Share of the adapter's inputs that training drops at random"),
      Field(
        "targets", \.targets, for: whenFresh,
        doc: "`all_linear`, or names of linear maps such as `q_proj`; embeddings and head are never among them"),
      Field("rslora", \.rslora, for: whenFresh, doc: "Scales by alpha ÷ √rank instead (arXiv:2312.03732)"),
      Field("seed", \.seed, in: 0..., for: whenFresh, doc: "Decides the first values"),
      Field("from", \.from, doc: "A PEFT folder to continue, with its own configuration; a fresh adapter unless given"),
    ]
  }

  package static let name = "attach_adapter"
  package static let summary = "Puts a low-rank adapter beside a model's linear maps, so that training changes only it"
  package static let implementationVersion = 1
  package static let inputs = [InputPort("model", [ArtefactName.model], doc: "A model without adapter")]
  package static let outputs = [OutputPort("model", ArtefactName.model, doc: "The model with the adapter")]
  package static let execution = Execution.worker(cores: .one)

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
    let model = json(inputs["model"]?.seen[LoadModel.configurationSight]?.text).flatMap {
      try? ModelConfiguration(huggingFace: $0)
    }
    // In 32 bits a number may be another one than as it was written.
    do { try fields.fresh(for: model).validate() } catch {
      let port =
        switch error {
        case .alpha: "alpha"
        case .dropout: "dropout"
        default: "targets"
        }
      let words = error.diagnostics.first
      conflicts.append(.init(port: port, words?.summary ?? "Unknown target", advice: words?.advice))
    }
    if let mismatch = mismatch(inputs, model) { conflicts.append(mismatch) }
    return Inference(outputs: ["model": type(inputs["model"]?.type)], conflicts: conflicts)
  }

  private static func type(_ base: ArtefactType?) -> ArtefactType {
    var type = base ?? ArtefactType(ArtefactName.model)
    type.facets[FacetName.form] = "adapter"
    return type
  }

  package static func run(_ fields: Fields, in context: NodeContext) throws {
    let artefact = try ModelArtefact(context)
    let view = artefact.view
    // Shapes decide everything: no weight of the base is read.
    let base = try artefact.source().configuration
    let output = try context.output("model")
    try ModelArtefact.include(ModelArtefact.base, of: view, in: output)
    let writer = AdapterWriter(
      baseModel: ModelArtefact.base, tokenizer: nil, card: nil, watch: context.checkCancellation)
    let folder = output.folder + "/" + ModelArtefact.adapter
    let adapter: AdapterConfiguration
    if fields.from != nil {
      let given = try AdapterFolder(context.sources.fileSet)
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
      adapter = try fields.fresh(for: base)
      try writer.write(fresh: adapter, seed: UInt64(fields.seed), of: base, to: folder)
    }
    output.set(type: type(view.type))
    output.details = view.details
    let trained = base.adapterTensors(adapter).reduce(0) { $0 + $1.shape.reduce(1, *) }
    output.details["trainable_parameters"] = JSON(trained)
    context.log("\(trained) trainable parameters")
  }
}

extension AttachAdapter.Fields {
  /// The adapter that the fields describe, where it is not read from files.
  ///
  /// - Parameter model: What the adapter is for; nil as long as it is not known, when any name may be a target.
  func fresh(for model: ModelConfiguration?) throws(AdapterError) -> AdapterConfiguration {
    let targets = try model?.targets(named: targets) ?? Set(targets)
    switch method {
    case .lora:
      return AdapterConfiguration(
        rank: rank, alpha: alpha.map { Float($0) }, dropout: Float(dropout), targets: targets, usesRSLoRA: rslora)
    }
  }

  /// The adapter that comes out; nil when fields or files are wrong.
  func configuration(_ sources: NodeSources, for model: ModelConfiguration) -> AdapterConfiguration? {
    from == nil ? try? fresh(for: model) : try? AdapterFolder(sources.fileSet).configuration
  }
}
