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
        doc: "The type of the stored weights; `auto` keeps the base's own, or takes bf16 for quantised ones")
    ]
  }

  package static let name = "merge"
  package static let summary = "Adds an adapter to its base's weights: in f32, rounded once"
  package static let implementationVersion = 2
  package static let inputs = [InputPort("model", [ArtefactName.model], doc: "A model with an adapter")]
  package static let outputs = [OutputPort("model", ArtefactName.model, doc: "The model without adapter")]
  package static let execution = Execution.worker(cores: .all)

  package static func infer(_ fields: Fields, _ inputs: InputTypes) -> Inference {
    let model = inputs["model"]?.type
    var conflicts: [Inference.Conflict] = []
    if let form = model?[FacetName.form], form != "adapter" {
      conflicts.append(.init(port: "model", "The model has no adapter to merge", advice: "leave the node out"))
    }
    return Inference(outputs: ["model": type(model)], conflicts: conflicts)
  }

  private static func type(_ model: ArtefactType?) -> ArtefactType {
    var type = model ?? ArtefactType(ArtefactName.model)
    type.facets[FacetName.form] = "all"
    return type
  }

  package static func run(_ fields: Fields, in context: NodeContext) throws {
    let artefact = try ModelArtefact(context)
    let source = try artefact.source()
    let pool = ThreadPool(threads: context.threads)
    let output = try context.output("model")
    try ModelArtefact.writeBase(
      AdaptedWeights(source, adapter: artefact.adapter(), pool: pool), like: source, as: fields.dtype.elementType,
      in: output)
    output.details["compute"] = artefact.view.details["compute"]
    ConversationFormat.take(from: artefact.view.details, into: &output.details)
    output.set(type: type(artefact.view.type))
  }
}
