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
        doc: "A model folder with `tokenizer.json`, a folder with GPT-2's vocabulary and merges, or a `.gguf` file")
    ]
  }

  package static let name = "load_tokenizer"
  package static let summary = "Reads a tokenizer, with its chat template, from a model folder or a GGUF file"
  package static let implementationVersion = 1
  package static let inputs: [InputPort] = []
  package static let outputs = [
    OutputPort("tokenizer", ArtefactName.tokenizer, doc: "A folder with the tokenizer's files")
  ]

  package static func sources(_ fields: Fields) throws -> [SourceRequest] {
    guard let from = fields.from else { return [] }
    return try Tokenizer.files(at: from.text).map { SourceRequest(role: "tokenizer", path: $0, kind: .file) }
  }

  package static func inspection(_ fields: Fields) throws -> Inspection? {
    guard let from = fields.from else { return nil }
    return Inspection(files: try Tokenizer.files(at: from.text)) { facets(of: try Tokenizer.load(path: from.text)) }
  }

  package static func infer(_ fields: Fields, _ inputs: InputTypes) -> Inference {
    Inference(outputs: ["tokenizer": ArtefactType(ArtefactName.tokenizer, inputs.seen)])
  }

  package static func run(_ fields: Fields, in context: NodeContext) throws {
    guard let from = fields.from else { return }
    let tokenizer = try Tokenizer.load(path: from.text)
    let output = try context.output("tokenizer")
    try tokenizer.writeFolder(to: output.folder)
    output.set(type: ArtefactType(ArtefactName.tokenizer, facets(of: tokenizer)))
    output.details["vocabulary"] = JSON(tokenizer.vocabularySize)
  }

  /// What must agree wherever the tokenizer is used.
  static func facets(of tokenizer: Tokenizer) -> [String: Facet] {
    var facets: [String: Facet] = [
      FacetName.tokenizer: .text(Digest(of: tokenizer.definition).short),
      FacetName.vocabulary: .integer(tokenizer.vocabularySize),
    ]
    if let template = tokenizer.chatTemplateSource {
      facets[FacetName.template] = .text(Digest(of: Array(template.utf8)).short)
    }
    return facets
  }
}
