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

    /// Whether a Jinja file is named, and not the tokenizer's own template meant.
    var namesFile: Bool { template != FilePath("auto") }

    package init() {}

    package static let fields: [Field<Self>] = [
      Field(
        "template", \.template,
        doc: "`auto` takes the tokenizer's own chat template; otherwise a Jinja file such as `chatml.jinja`")
    ]
  }

  package static let name = "apply_template"
  package static let summary = "Renders rows by a chat template and marks what the model learns to say"
  package static let implementationVersion = 2
  /// A group is rendered and published by itself, so that appending rows renders the last group alone.
  package static let parts = [group]
  private static let group = Part.work("group")
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
          conflicts.append(
            .init(
              port: "tokenizer", "The tokenizer has no chat template", reason: "`template` is `auto`",
              advice: "name a Jinja file with `template:`"))
        }
      }
    }
    return Inference(
      outputs: ["conversations": ArtefactType(ArtefactName.conversations, facets)], conflicts: conflicts)
  }

  package static func run(_ fields: Fields, in context: NodeContext) throws {
    let dataset = try context.input("dataset")
    let tokenizerView = try context.input("tokenizer")
    let tokenizer = try context.tokenizer()
    let output = try context.output("conversations")
    let file = context.sources[templateRole]
    let source = try file.map(templateSource) ?? tokenizer.chatTemplateSource ?? ""
    let template = Digest(of: Array(source.utf8))
    let renderer = RecordRenderer(
      template: try ChatTemplate(source: source, name: file ?? "chat template"),
      specialTokens: tokenizer.templateTokens)
    let names = dataset.members
    var collector = ProblemCollector()
    var made = 0
    var rows = 0
    for (index, name) in names.enumerated() {
      try context.checkCancellation()
      var count = 0
      do {
        let part = try context.memo(
          Self.group,
          reads: [
            ("rows", .digest(try dataset.member(name).blob.digest)), ("tokenizer", .digest(tokenizerView.digest)),
            ("template", .digest(template)),
          ],
          type: ArtefactType("conversation_group")
        ) { builder in
          made += 1
          let lines = try readGroup(dataset, name)
          count = lines.count
          let rendered = try render(lines, by: renderer, firstRow: rows + 1, file: name, node: context.nodeName)
          try builder.write(GroupFile.bytes(lines: rendered), to: member)
          builder.details["rows"] = JSON(count)
        }
        guard let known = part.details["rows"]?.int else {
          throw DatasetError(.damagedGroup(reason: "its number of rows is missing"), file: context.nodeName)
        }
        count = known
        try output.include(member, from: part, as: name)
      } catch let problems as DatasetErrors {
        collector.add(problems)
      }
      rows += count
      context.progress(ProgressUpdate(step: index + 1, total: names.count, unit: "groups"))
    }
    try collector.throwIfAny()
    var facets = dataset.type.facets
    facets.merge(tokenizerView.type.facets) { $1 }
    facets[FacetName.template] = .text(template.short)
    output.set(type: ArtefactType(ArtefactName.conversations, facets))
    output.details["rows"] = JSON(rows)
    let known = made < names.count ? "; the others were known" : ""
    context.log("\(made) of \(names.count) record groups rendered\(known)")
  }

  /// What a part holds.
  private static let member = "group.jsonl.zst"

  /// The rendered lines of a record group.
  ///
  /// - Throws: ``DatasetErrors`` of all rows that cannot be rendered.
  private static func render(
    _ lines: [String], by renderer: RecordRenderer, firstRow: Int, file: String, node: String
  ) throws -> [String] {
    var collector = ProblemCollector()
    var rendered: [String] = []
    for (offset, record) in try GroupFile.records(lines, file: file).enumerated() {
      try collector.collect {
        do {
          rendered.append(try renderer.render(record).line(RecordHash(line: lines[offset])))
        } catch let error as any DiagnosticError {
          let words = error.diagnostics.map(\.summary).joined(separator: "; ")
          throw DatasetError(.template(words), file: node, row: firstRow + offset)
        }
      }
    }
    try collector.throwIfAny()
    return rendered
  }

  private static func templateSource(_ path: String) throws -> String {
    try String(contentsOfFile: path, encoding: .utf8)
  }
}
