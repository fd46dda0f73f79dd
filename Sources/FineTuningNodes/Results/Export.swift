import Diagnostics
import ModelFolders
import Pipeline
import PreciseJSON
import TensorFiles
import Tokenization

/// Makes a folder that other tools load: a Hugging Face model folder, or a PEFT folder for a model with an adapter.
package enum Export: NodeType {
  package enum Format: String, FieldChoice {
    case safetensors
  }

  package struct Fields: FieldSet {
    var formats = [Format.safetensors]
    var to: String?

    package init() {}

    package static let fields: [Field<Self>] = [
      Field("formats", \.formats, doc: "`safetensors` loads in transformers, PEFT and vLLM"),
      Field("to", \.to, role: .none, doc: "A folder to put a copy into, besides the results folder"),
    ]
  }

  package static let name = "export"
  package static let summary = "Makes a folder that transformers loads, or PEFT for a model with an adapter"
  package static let implementationVersion = 1
  package static let inputs = [
    InputPort("model", [ArtefactName.model], doc: "The model"),
    InputPort("tokenizer", [ArtefactName.tokenizer], doc: "Its tokenizer, whose files go along"),
  ]
  package static let outputs = [OutputPort("folder", ArtefactName.folder, doc: "The folder")]
  package static let execution = Execution.worker(cores: .one)

  package static func infer(_ fields: Fields, _ inputs: InputTypes) -> Inference {
    var conflicts: [Inference.Conflict] = []
    if let own = inputs["model"]?.type[FacetName.tokenizer], let given = inputs["tokenizer"]?.type[FacetName.tokenizer],
      own != given
    {
      conflicts.append(
        .init(
          port: "tokenizer", "The tokenizer is another than the model's",
          reason: "the model's is \(own), this is \(given)",
          advice: "load the tokenizer from the model's own folder"))
    }
    return Inference(outputs: ["folder": ArtefactType(ArtefactName.folder)], conflicts: conflicts)
  }

  package static func run(_ fields: Fields, in context: NodeContext) throws {
    let view = try context.input("model")
    let artefact = try ModelArtefact(context)
    let tokenizer = try context.tokenizer()
    let output = try context.output("folder")
    try tokenizer.writeFolder(to: output.folder)
    if artefact.hasAdapter {
      for member in view.members where member.hasPrefix(ModelArtefact.adapter + "/") {
        try output.include(member, from: view, as: String(member.dropFirst(ModelArtefact.adapter.count + 1)))
      }
    } else if case .huggingFace = try artefact.source().kind {
      for member in view.members {
        try output.include(member, from: view, as: String(member.dropFirst(ModelArtefact.base.count + 1)))
      }
    } else {
      let source = try artefact.source()
      let model = try artefact.model()
      try source.write(model, to: output.folder, type: source.elementType ?? .bfloat16)
    }
  }
}
