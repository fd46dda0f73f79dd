import Diagnostics
import LanguageModels
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
    package var to: PlacePath?
    var baseModel = "base"

    package init() {}

    package static let fields: [Field<Self>] = [
      Field("formats", \.formats, doc: "`safetensors` loads in transformers, PEFT and vLLM"),
      Field(
        "base_model", \.baseModel,
        doc: "The name of the base model in the model card, and in `adapter_config.json`, where PEFT looks for it"),
      Field(
        "to", \.to, role: .none,
        doc: "A folder to put a copy into, besides the results folder; no other export's, nor inside one"),
    ]
  }

  package static let name = "export"
  package static let summary = "Makes a folder that transformers loads, or PEFT for a model with an adapter"
  package static let implementationVersion = 3
  package static let inputs = [
    InputPort("model", [ArtefactName.model], doc: "The model"),
    InputPort("tokenizer", [ArtefactName.tokenizer], doc: "Its tokenizer, whose files go along"),
  ]
  package static let outputs = [OutputPort("folder", ArtefactName.folder, doc: "The folder")]
  package static let execution = Execution.worker(cores: .one)

  package static func infer(_ fields: Fields, _ inputs: InputTypes) -> Inference {
    var conflicts = DataFit.tokenizerConflicts(inputs)
    if fields.formats.isEmpty {
      conflicts.append(
        .init(
          port: "formats", "No format is named: nothing would be written", reason: "`formats` is an empty list",
          advice: "`formats: [safetensors]`"))
    }
    return Inference(outputs: ["folder": ArtefactType(ArtefactName.folder)], conflicts: conflicts)
  }

  package static func run(_ fields: Fields, in context: NodeContext) throws {
    for format in Set(fields.formats) {
      switch format {
      case .safetensors: try writeSafetensors(fields, in: context)
      }
    }
  }

  private static func writeSafetensors(_ fields: Fields, in context: NodeContext) throws {
    let view = try context.input("model")
    let artefact = try ModelArtefact(context)
    let tokenizer = try context.tokenizer()
    let output = try context.output("folder")
    let source = try artefact.source()
    let format = ConversationFormat(view.details)
    var sanity = SanityReport(context)
    try sanity.add(VocabularyFit(tokens: tokenizer.vocabularySize, embedding: source.configuration.vocabularySize))
    if artefact.hasAdapter {
      try AdapterWriter(
        baseModel: fields.baseModel, tokenizer: tokenizer, card: card(fields), watch: context.checkCancellation
      ).write(artefact.adapter(), of: source.configuration, isPortable: true, to: output.folder)
    } else if case .huggingFace = source {
      // The files are the model's own, byte for byte; nothing large is copied.
      for member in view.members where member.hasPrefix(ModelArtefact.base + "/") {
        let name = String(member.dropFirst(ModelArtefact.base.count + 1))
        if name == Tokenizer.generationFile, format != nil {
          // What was trained may add an end mark.
          try output.write(textOf(view.path(of: member)), to: name)
        } else {
          try output.include(member, from: view, as: name)
        }
      }
      try tokenizer.writeFolder(to: output.folder)
      try output.write(
        card(fields).text(library: "transformers"), to: "README.md")
    } else {
      let writer = HuggingFaceWriter(base: source, tokenizer: tokenizer, card: card(fields))
      try sanity.add(DiskSpace(needed: writer.tensorBytes, context))
      try writer.write(artefact.watched(source.weights), to: output.folder)
    }
    let head = ModelArtefact.head + "/" + ModelArtefact.headFile
    if view.contains(head) { try output.include(head, from: view, as: ModelArtefact.headFile) }
    try format?.write(to: output.folder, over: tokenizer, ends: artefact.stops(written: output.folder))
    try sanity.add(finiteTensors(artefact, source, output))
    try sanity.add(chatSettings(artefact, tokenizer, output))
    sanity.describe(in: output)
  }

  /// Reads what the folder will hold once more: what was written, or the model's own files where they go along.
  private static func finiteTensors(
    _ artefact: ModelArtefact, _ source: ModelFolder, _ output: ArtefactBuilder
  ) throws -> FiniteTensors {
    if artefact.hasAdapter {
      let written = try AdapterFolder(path: output.folder)
      return try FiniteTensors(
        source.configuration.adapterTensors(written.configuration), in: artefact.watched(written))
    }
    let isWritten = try pathKind(output.folder + "/config.json") != nil
    let model = try isWritten ? ModelFolder.open(output.folder) : source
    return try FiniteTensors(
      model.configuration.tensors.map { ($0.name, $0.shape) }, in: artefact.watched(model.weights))
  }

  private static func chatSettings(
    _ artefact: ModelArtefact, _ tokenizer: Tokenizer, _ output: ArtefactBuilder
  ) throws -> ChatSettings {
    let format = ConversationFormat(artefact.view.details)
    return ChatSettings(
      hasTemplate: format != nil || tokenizer.chatTemplateSource != nil,
      trainedStops: format?.stops.map { Int($0) } ?? [], tokenizerStops: tokenizer.endOfTurnIDs.map { Int($0) },
      modelStops: artefact.hasAdapter ? nil : try artefact.stops(written: output.folder))
  }

  /// The page about the model; nothing of the node's name is in it, for a name decides nothing.
  private static func card(_ fields: Fields) -> ModelCard {
    ModelCard(title: "Fine-tuned from \(fields.baseModel)", baseModel: fields.baseModel)
  }
}
