import ChatTemplates
import Datasets
import Diagnostics
import Foundation
import Pipeline
import PreciseJSON
import Tokenization

/// Renders conversations by a chat template, keeping which text is trained on.
package enum ApplyTemplate: NodeType {
  /// What of conversations is learned.
  package enum Learned: String, FieldChoice {
    case answers
    case lastAnswer = "last_answer"
    case everything

    var rule: RecordRenderer.Learned {
      switch self {
      case .answers: .answers
      case .lastAnswer: .lastAnswer
      case .everything: .everything
      }
    }
  }

  package struct Fields: FieldSet {
    var template = FilePath("auto")
    var date = ConversationFormat.defaultDate
    var weights = WeightFields()
    var learn = Learned.answers
    var system: String?

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
      Field(
        "weights", \.weights, since: Birth(default: WeightFields()),
        doc:
          "What parts of answers count when they are learned; what rows say of messages and spans multiplies it, and 0 "
          + "is not learned"),
      Field(
        "learn", \.learn, since: Birth(default: .answers),
        doc:
          "What of conversations is learned: `answers` what the assistant says, `last_answer` what it says last, "
          + "`everything` every token, whoever says it"),
      Field(
        "system", \.system, since: Birth(default: nil), doc: "The system text of conversations that have none"),
    ]
  }

  package static let name = "apply_template"
  package static let summary = "Renders rows by a chat template and marks what the model learns to say"
  package static let implementationVersion = 3
  /// A group is rendered and published by itself, so that appending rows renders the last group alone.
  package static let parts = [group]
  private static let group = Part.work("group")
  package static let inputs = [
    InputPort(
      "dataset", [ArtefactName.rows], list: true, doc: "The rows to render; of several sets one after the other"),
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
    facets[FacetName.columns] = inputs["dataset"]?.type[FacetName.columns]
    conflicts += learnConflicts(fields, kind: facets[FacetName.kind]?.text.flatMap(Record.Kind.init))
    conflicts += weightConflicts(fields, kind: facets[FacetName.kind]?.text.flatMap(Record.Kind.init))
    let kinds = (inputs.ports["dataset"] ?? []).compactMap { $0.type[FacetName.kind]?.text }
    if let first = kinds.first, let other = kinds.first(where: { $0 != first }) {
      conflicts.append(
        .init(
          port: "dataset", "The sets hold rows of different kinds", reason: "some are `\(first)`, others `\(other)`",
          advice: "give each kind a node of its own"))
    }
    if let tokenizer = inputs["tokenizer"]?.type {
      facets[FacetName.tokenizer] = tokenizer[FacetName.tokenizer]
      facets[FacetName.vocabulary] = tokenizer[FacetName.vocabulary]
      if fields.namesFile {
        facets[FacetName.template] = inputs.seen[FacetName.template]
      } else {
        facets[FacetName.template] = tokenizer[FacetName.template]
        facets[FacetName.templateNames] = tokenizer[FacetName.templateNames]
        let isText = facets[FacetName.kind]?.text == Record.Kind.text.rawValue
        // Rows with tools need no `default`, and which rows come is not known yet.
        if let conflict = Inference.Conflict.templates("tokenizer", of: tokenizer, needsDefault: false), !isText {
          conflicts.append(conflict)
        }
      }
    }
    return Inference(
      outputs: ["conversations": ArtefactType(ArtefactName.conversations, facets)], conflicts: conflicts)
  }

  private static func learnConflicts(_ fields: Fields, kind: Record.Kind?) -> [Inference.Conflict] {
    guard let kind, kind != .conversation else { return [] }
    var conflicts: [Inference.Conflict] = []
    if fields.learn != .answers {
      conflicts.append(
        .init(
          port: "learn", "`learn` has no effect on rows of kind `\(kind.rawValue)`",
          reason: "texts are learned whole, and of other rows the answer that is compared, judged or asked for",
          advice: "take it out"))
    }
    if fields.system != nil, kind == .text {
      conflicts.append(
        .init(
          port: "system", "`system` has no effect on texts", reason: "nothing is put around them", advice: "take it out"
        ))
    }
    return conflicts
  }

  private static func weightConflicts(_ fields: Fields, kind: Record.Kind?) -> [Inference.Conflict] {
    guard fields.weights != WeightFields() else { return [] }
    if let kind, kind != .conversation {
      return [
        .init(
          port: "weights", "`weights` has no effect on rows of kind `\(kind.rawValue)`",
          reason: "answers of conversations have parts that are learned; others are learned or compared whole",
          advice: "take it out")
      ]
    }
    do {
      _ = try fields.weights.rules()
      return []
    } catch {
      return [
        .init(
          port: "weights.patterns", "`\(error.entry)` does not say what the matches of an expression count",
          reason: error.reason, advice: "write `PATTERN=NUMBER`, such as `(?<=#### ).*=5`")
      ]
    }
  }

  package static func run(_ fields: Fields, in context: NodeContext) throws {
    let sets = context.inputs("dataset")
    let dataset = try context.input("dataset")
    let tokenizerView = try context.input("tokenizer")
    let tokenizer = try context.tokenizer()
    let output = try context.output("conversations")
    let file = try context.sources[templateRole].map { try (path: $0, source: templateSource($0)) }
    let isText = dataset.type[FacetName.kind]?.text == Record.Kind.text.rawValue
    let entries =
      file.map { [ChatTemplateSources.Entry(name: ChatTemplateSources.defaultName, source: $0.source)] }
      ?? tokenizer.chatTemplates.entries
    let format =
      isText ? nil : try ConversationFormat(entries, date: fields.date, tokenizer: tokenizer)
    let identity = Digest(of: Array((file?.source ?? tokenizer.chatTemplates.identity ?? "").utf8))
    let renderer = RecordRenderer(
      templates: try templates(file, tokenizer, dataset), specialTokens: tokenizer.templateTokens,
      endMarks: (format?.stops ?? tokenizer.endOfTurnIDs).compactMap { tokenizer.token(for: $0) },
      day: try TemplateClock(written: fields.date), weights: try fields.weights.rules(),
      learned: fields.learn.rule, system: fields.system)
    var report = RenderingReport()
    let groups = sets.flatMap { set in set.members.map { (set: set, name: $0) } }
    var made = 0
    for (index, (set, name)) in groups.enumerated() {
      try context.checkCancellation()
      var part = RenderingReport()
      do {
        let group = try context.memo(
          Self.group,
          reads: [
            ("rows", .digest(try set.member(name).blob.digest)), ("tokenizer", .digest(tokenizerView.digest)),
            ("template", .digest(identity)),
          ],
          type: ArtefactType("conversation_group")
        ) { builder in
          made += 1
          let (rendered, report) = try render(readGroup(set, name), by: renderer, file: name)
          try builder.write(GroupFile.bytes(lines: rendered), to: member)
          builder.details["report"] = report.partJSON
        }
        guard let known = group.details["report"].flatMap(RenderingReport.init(partJSON:)) else {
          throw DatasetError(.damagedGroup(reason: "its report is missing"), file: context.nodeName)
        }
        part = known
        try output.include(member, from: group, as: sets.count == 1 ? name : GroupFile.name(index))
      } catch let failure as RenderingFailure {
        part = failure.report
      }
      report.add(part, after: report.rows)
      context.progress(ProgressUpdate(step: index + 1, total: groups.count, unit: "groups"))
    }
    try report.throwIfAny(file: context.nodeName)
    for warning in report.warnings(file: context.nodeName) { context.warn(warning) }
    var facets = dataset.type.facets
    facets.merge(tokenizerView.type.facets) { $1 }
    facets[FacetName.template] = .text(identity.short)
    if file != nil {
      // They speak of the tokenizer's own templates.
      facets[FacetName.templateFault] = nil
      facets[FacetName.templateNames] = nil
    }
    output.set(type: ArtefactType(ArtefactName.conversations, facets))
    output.details["rows"] = JSON(report.rows)
    format?.put(into: &output.details)
    for (key, value) in report.json.object?.members ?? [] { output.details[key] = value }
    let known = made < groups.count ? "; the others were known" : ""
    context.log("\(made) of \(groups.count) record groups rendered\(known)")
  }

  /// What a part holds.
  private static let member = "group.jsonl.zst"

  /// The rendered lines of a record group, and what became of its rows, numbered from its first.
  ///
  /// - Throws: ``RenderingFailure`` when rows cannot be rendered, once all have been tried.
  private static func render(
    _ lines: [String], by renderer: RecordRenderer, file: String
  ) throws -> ([String], RenderingReport) {
    var report = RenderingReport()
    var rendered: [String] = []
    for (offset, (record, source)) in try GroupFile.records(lines, file: file).enumerated() {
      do {
        let rendering = try renderer.render(record)
        report.add(rendering, row: offset + 1)
        rendered.append(
          rendering.record.line(RecordHash(of: record, line: lines[offset]), source: source))
      } catch let error as any DiagnosticError {
        report.fail(error, row: offset + 1)
      }
    }
    guard !report.hasFailures else { throw RenderingFailure(report: report) }
    return (rendered, report)
  }

  /// A group that has rows which cannot be rendered; it is told with all others.
  private struct RenderingFailure: Error {
    var report: RenderingReport
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
