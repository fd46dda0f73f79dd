import ChatTemplates
import Diagnostics
import Pipeline
import PreciseJSON
import Tokenization

/// Reads a tokenizer from a model folder or a GGUF file.
package enum LoadTokenizer: NodeType {
  package struct Fields: FieldSet {
    var from: FilePath?

    package init() {}

    package static let fields: [Field<Self>] = [
      Field(
        "from", \.from, required: true,
        doc:
          "A model folder with `tokenizer.json`, a folder with GPT-2's vocabulary and merges, a `tokenizer.json` under "
          + "any name, or a `.gguf` file")
    ]
  }

  package static let name = "load_tokenizer"
  package static let summary = "Reads a tokenizer, with its chat template, from a model folder or a GGUF file"
  package static let implementationVersion = 2
  package static let inputs: [InputPort] = []
  package static let outputs = [
    OutputPort("tokenizer", ArtefactName.tokenizer, doc: "A folder with the tokenizer's files")
  ]

  package static func sources(_ fields: Fields, _ paths: PathReader) throws -> [SourceRequest] {
    try fields.from.map { try Tokenizer.files(at: paths.text(of: $0)).requests } ?? []
  }

  package static func inspection(_ fields: Fields, _ sources: NodeSources) throws -> Inspection? {
    Inspection(of: sources) { facets(of: try Tokenizer.load(sources.fileSet)) }
  }

  package static func infer(_ fields: Fields, _ inputs: InputTypes) -> Inference {
    Inference(outputs: ["tokenizer": ArtefactType(ArtefactName.tokenizer, inputs.seen)])
  }

  package static func run(_ fields: Fields, in context: NodeContext) throws {
    let tokenizer = try Tokenizer.load(context.sources.fileSet)
    let output = try context.output("tokenizer")
    try tokenizer.writeFolder(to: output.folder)
    if let settings = tokenizer.generationSettings {
      try output.write(settings.text(.pretty) + "\n", to: "generation_config.json")
    }
    output.set(type: ArtefactType(ArtefactName.tokenizer, facets(of: tokenizer)))
    output.details["vocabulary"] = JSON(tokenizer.vocabularySize)
  }

  /// What must agree wherever the tokenizer is used.
  static func facets(of tokenizer: Tokenizer) -> [String: Facet] {
    var facets: [String: Facet] = [
      FacetName.tokenizer: .text(Digest(of: tokenizer.definition).short),
      FacetName.vocabulary: .integer(tokenizer.vocabularySize),
    ]
    if let templates = tokenizer.chatTemplates.identity {
      facets[FacetName.template] = .text(Digest(of: Array(templates.utf8)).short)
      do {
        _ = try ChatTemplateSet(tokenizer).template(hasTools: false)
      } catch let error as ChatTemplateChoiceError {
        facets[FacetName.templateNames] = .text(error.names.joined(separator: ","))
      } catch let error as TemplateError {
        let words = error.diagnostics.first?.summary ?? error.words
        facets[FacetName.templateFault] = .text(
          "\(error.template), line \(error.line), column \(error.column): \(words)")
      } catch {
        facets[FacetName.templateFault] = .text("\(error)")
      }
    }
    return facets
  }
}
