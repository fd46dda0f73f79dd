import LanguageModels
import ModelFolders
import Pipeline
import PreciseJSON

/// Gives a model more blocks, which add nothing until they are trained (LLaMA-Pro).
package enum ExpandModel: NodeType {
  package struct Fields: FieldSet {
    var blocks: Int?

    package init() {}

    package static let fields: [Field<Self>] = [
      Field(
        "blocks", \.blocks, in: 1...1_000, unit: "blocks", required: true,
        doc: "How many are inserted, at equal distances: a number that divides the model's own")
    ]
  }

  package static let name = "expand_model"
  package static let summary =
    "Inserts copies of blocks that add nothing until they are trained, by themselves or with adapters (LLaMA-Pro, "
    + "arXiv:2401.02415)"
  package static let implementationVersion = 1
  package static let inputs = [InputPort("model", [ArtefactName.model], doc: "A model without adapter")]
  package static let outputs = [OutputPort("model", ArtefactName.model, doc: "The model with more blocks")]
  package static let execution = Execution.worker(cores: .one)

  package static func infer(_ fields: Fields, _ inputs: InputTypes) -> Inference {
    let model = inputs["model"]
    var type = model?.type ?? ArtefactType(ArtefactName.model)
    var known: [String: Facet] = [:]
    if model?.type[FacetName.form] == "adapter" {
      return Inference(
        outputs: ["model": type],
        conflicts: [
          .init(port: "model", "The model has an adapter", advice: "merge it first, or expand its base")
        ])
    }
    // What scored the hidden states of the smaller model comes along: they are the same.
    if let configuration = model?.configuration, let blocks = fields.blocks {
      do {
        let expansion = try BlockExpansion(of: configuration, copies: blocks)
        type.newBlocks = expansion.copies
        known[LoadModel.configurationSight] = .text(expansion.configuration.json.text())
      } catch {
        return Inference(outputs: ["model": type], conflicts: Inference.Conflict.all(of: error, at: "blocks"))
      }
    } else {
      type.facets[FacetName.newBlocks] = nil
    }
    return Inference(outputs: ["model": type], known: known)
  }

  package static func run(_ fields: Fields, in context: NodeContext) throws {
    let artefact = try ModelArtefact(context)
    let source = try artefact.source()
    let expansion = try BlockExpansion(of: source.configuration, copies: fields.blocks ?? 0)
    var writer = ModelArtefact.baseWriter(like: source, as: nil)
    writer.expansion = expansion
    var sanity = SanityReport(context)
    try sanity.add(DiskSpace(needed: writer.tensorBytes, context))
    let output = try context.output("model")
    try writer.write(
      artefact.watched(ExpandedWeights(source.weights, expansion)), to: ModelArtefact.basePath(in: output))
    try ModelArtefact.include(ModelArtefact.head, of: artefact.view, in: output)
    output.details = artefact.view.details
    var type = artefact.view.type
    type.newBlocks = expansion.copies
    output.set(type: type)
    let places = expansion.copies.map { "\($0)" }.joined(separator: ", ")
    context.log("\(expansion.configuration.blocks.count) blocks; \(places) are new")
  }
}
