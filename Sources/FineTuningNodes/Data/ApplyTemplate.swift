import ChatTemplates
import Datasets
import Diagnostics
import Foundation
import Pipeline
import PreciseJSON
import Tokenization

/// Renders conversations by a chat template, keeping which text is trained on.
package enum ApplyTemplate: NodeType {
  package struct Fields: FieldSet {
    var template = FilePath("auto")
    var date = ConversationFormat.defaultDate

    /// Whether a Jinja file is named, and not the tokenizer's own template meant.
    var namesFile: Bool { template != FilePath("auto") }

    package init() {}

    package static let fields: [Field<Self>] = [
      Field(
        "template", \.template,
        doc: "`auto` takes the tokenizer's own chat template; otherwise a Jinja file such as `chatml.jinja`"),
      Field(
        "date", \.date, unit: "YYYY-MM-DD",
        doc: "The day that templates which print today's date are rendered for; answers are asked for with the same"),
    ]
  }

  package static let name = "apply_template"
  package static let summary = "Renders rows by a chat template and marks what the model learns to say"
  package static let implementationVersion = 2
  package static let inputs = [
    InputPort("dataset", [ArtefactName.rows], doc: "The rows to render"),
    InputPort("tokenizer", [ArtefactName.tokenizer], doc: "Whose chat template and special tokens are used"),
  ]
  package static let outputs = [
    OutputPort("conversations", ArtefactName.conversations, doc: "Rendered rows, in the same record groups")
  ]

  package static func sources(_ fields: Fields, _ paths: PathReader) throws -> [SourceRequest] {
    guard fields.namesFile else { return [] }
    return [SourceRequest(role: templateRole, path: paths.text(of: fields.template), kind: .file)]
  }

  private static let templateRole = "template"

  package static func inspection(_ fields: Fields, _ sources: NodeSources) -> Inspection? {
    sources[templateRole].map { path in
      Inspection(of: sources) {
        let source = try templateSource(path)
        // One that cannot be read is told before anything runs.
        _ = try ChatTemplate(source: source, name: path)
        return [FacetName.template: .text(Digest(of: source.utf8).short)]
      }
    }
  }

  package static func infer(_ fields: Fields, _ inputs: InputTypes) -> Inference {
    var facets: [String: Facet] = [:]
    var conflicts: [Inference.Conflict] = []
    if TemplateClock(date: fields.date) == nil { conflicts.append(.noDate("date", fields.date)) }
    facets[FacetName.kind] = inputs["dataset"]?.type[FacetName.kind]
    if let tokenizer = inputs["tokenizer"]?.type {
      facets[FacetName.tokenizer] = tokenizer[FacetName.tokenizer]
      facets[FacetName.vocabulary] = tokenizer[FacetName.vocabulary]
      if fields.namesFile {
        facets[FacetName.template] = inputs.seen[FacetName.template]
      } else {
        facets[FacetName.template] = tokenizer[FacetName.template]
        let isText = facets[FacetName.kind]?.text == Record.Kind.text.rawValue
        if tokenizer[FacetName.tokenizer] != nil, tokenizer[FacetName.template] == nil, !isText {
          conflicts.append(.noTemplate("tokenizer"))
        }
      }
    }
    return Inference(
      outputs: ["conversations": ArtefactType(ArtefactName.conversations, facets)], conflicts: conflicts)
  }

  package static func run(_ fields: Fields, in context: NodeContext) throws {
    let dataset = try context.input("dataset")
    let tokenizer = try context.tokenizer()
    let output = try context.output("conversations")
    let file = try context.sources[templateRole].map { try (path: $0, source: templateSource($0)) }
    let isText = dataset.type[FacetName.kind]?.text == Record.Kind.text.rawValue
    let entries =
      file.map { [ChatTemplateSources.Entry(name: ChatTemplateSources.defaultName, source: $0.source)] }
      ?? tokenizer.chatTemplates.entries
    let format =
      isText ? nil : try ConversationFormat(entries, date: fields.date, tokenizer: tokenizer)
    let renderer = RecordRenderer(
      templates: try templates(file, tokenizer, dataset), specialTokens: tokenizer.templateTokens,
      endMarks: (format?.stops ?? tokenizer.endOfTurnIDs).compactMap { tokenizer.token(for: $0) },
      day: try TemplateClock(written: fields.date))
    var report = RenderingReport()
    let names = dataset.members
    var firstRow = 1
    for (index, name) in names.enumerated() {
      try context.checkCancellation()
      let lines = try readGroup(dataset, name)
      var rendered: [String] = []
      for (offset, record) in try GroupFile.records(lines, file: name).enumerated() {
        do {
          let rendering = try renderer.render(record)
          report.add(rendering, row: firstRow + offset)
          rendered.append(rendering.record.line)
        } catch let error as any DiagnosticError {
          report.fail(error, row: firstRow + offset)
        }
      }
      firstRow += lines.count
      try output.write(GroupFile.bytes(lines: rendered), to: name)
      context.progress(ProgressUpdate(step: index + 1, total: names.count, unit: "groups"))
    }
    try report.throwIfAny(file: context.nodeName)
    for warning in report.warnings(file: context.nodeName) { context.warn(warning) }
    var facets = dataset.type.facets
    facets.merge(try context.input("tokenizer").type.facets) { $1 }
    let identity = file?.source ?? tokenizer.chatTemplates.identity ?? ""
    facets[FacetName.template] = .text(Digest(of: Array(identity.utf8)).short)
    output.set(type: ArtefactType(ArtefactName.conversations, facets))
    output.details["rows"] = JSON(firstRow - 1)
    format?.put(into: &output.details)
    for (key, value) in report.json.object?.members ?? [] { output.details[key] = value }
  }

  /// The named file, or the tokenizer's own templates; plain texts need none.
  private static func templates(
    _ file: (path: String, source: String)?, _ tokenizer: Tokenizer, _ dataset: ArtefactView
  ) throws -> ChatTemplateSet {
    if let file { return ChatTemplateSet(try ChatTemplate(source: file.source, name: file.path)) }
    let isText = dataset.type[FacetName.kind]?.text == Record.Kind.text.rawValue
    return isText && tokenizer.chatTemplates.isEmpty ? try ChatTemplateSet([]) : try ChatTemplateSet(tokenizer)
  }

  private static func templateSource(_ path: String) throws -> String {
    try String(contentsOfFile: path, encoding: .utf8)
  }
}
