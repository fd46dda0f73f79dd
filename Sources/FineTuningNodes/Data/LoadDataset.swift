import Datasets
import Diagnostics
import Pipeline
import PreciseJSON
import TensorFiles

/// Reads a dataset file and brings its rows to one form, cut into record groups.
package enum LoadDataset: NodeType {
  /// `auto`, or the name of a format.
  package enum Format: String, FieldChoice {
    case auto
    case messages
    case sharegpt
    case alpaca
    case promptCompletion = "prompt_completion"
    case text
    case preference
    case judged
    case prompt

    var rowFormat: RowFormat? { RowFormat(rawValue: rawValue) }
  }

  package struct Columns: FieldGroup {
    var map = ColumnMap()

    package init() {}

    package static let fields: [Field<Self>] = [
      Field("messages", \.map[.messages], doc: "Column with the messages of a conversation"),
      Field("instruction", \.map[.instruction], doc: "Column with alpaca's instruction"),
      Field("input", \.map[.input], doc: "Column with alpaca's input"),
      Field("output", \.map[.output], doc: "Column with alpaca's answer"),
      Field("history", \.map[.history], doc: "Column with alpaca's earlier turns"),
      Field("system", \.map[.system], doc: "Column with the system text"),
      Field("tools", \.map[.tools], doc: "Column with the tools' schemas"),
      Field("prompt", \.map[.prompt], doc: "Column with the prompt"),
      Field("completion", \.map[.completion], doc: "Column with the completion"),
      Field("text", \.map[.text], doc: "Column with plain text"),
      Field("chosen", \.map[.chosen], doc: "Column with the preferred answer"),
      Field("rejected", \.map[.rejected], doc: "Column with the other answer"),
      Field("margin", \.map[.margin], doc: "Column that says by how much the first answer is preferred"),
      Field("label", \.map[.label], doc: "Column that says whether KTO's answer is one to give"),
      Field(
        "source", \.map[.source], since: Birth(default: nil),
        doc: "Column with the name of the row's source, for losses by source"),
    ]
  }

  package struct Fields: FieldSet {
    var from: FilePath?
    var member: String?
    var format = Format.auto
    var columns = Columns()
    var ignoreColumns: [String] = []
    var keepColumns: [String] = []
    var maxRows: Int?
    var source: String?

    package init() {}

    package static let fields: [Field<Self>] = [
      Field(
        "from", \.from,
        doc:
          "A file of JSON objects (a line each, in a list, or one after another) or of text; its content tells which. "
          + "Unless another node makes it: then that is `files`"),
      Field(
        "member", \.member, since: Birth(default: nil), for: .without("from", because: "it is one of `files`"),
        doc: "Which of `files` to read, where there are several"),
      Field(
        "format", \.format, doc: "The layout of the rows; `auto` tells it from the first row's columns and says how"),
      Field("columns", \.columns, doc: "The names of columns, where the file calls them differently"),
      Field(
        "ignore_columns", \.ignoreColumns,
        doc: "Columns to leave out; those with a meaning for training that the layout does not read have to be named"),
      Field(
        "keep_columns", \.keepColumns, since: Birth(default: []),
        doc: "Columns that travel with prompts, for reward functions that read them, such as `answer`"),
      Field("max_rows", \.maxRows, in: 1..., unit: "rows", doc: "Takes only the first rows"),
      Field(
        "source", \.source, since: Birth(default: nil),
        doc:
          "What the rows' source is called where losses are told by source; a column that `columns` names goes before "
          + "it"),
    ]
  }

  package static let name = "load_dataset"
  package static let summary = "Reads a dataset file and brings its rows to one form"
  package static let implementationVersion = 4
  package static let parts = [DatasetGroups.outline, DatasetGroups.group]
  package static let inputs = [
    InputPort(
      "files", [ArtefactName.files], optional: true, for: .without("from", because: "rows come from one place"),
      doc: "What a node of type `exec` has made, in place of a file of one's own")
  ]
  package static let outputs = [OutputPort("rows", ArtefactName.rows, doc: "The rows, in record groups")]

  package static func sources(_ fields: Fields, _ paths: PathReader) throws -> [SourceRequest] {
    fields.from.map { [SourceRequest(role: rowsRole, path: paths.text(of: $0), kind: .file)] } ?? []
  }

  private static let rowsRole = "rows"

  package static func inspection(_ fields: Fields, _ sources: NodeSources) -> Inspection? {
    guard fields.format == .auto, let path = sources[rowsRole] else { return nil }
    let columns = AnyFields(fields).keyEntries.filter { entry in
      ["fields.columns", "fields.ignore_columns", "fields.keep_columns"].contains { entry.label.hasPrefix($0) }
    }
    return Inspection(of: sources, fields: columns) {
      // A row that cannot be understood is the run's to report, with its number.
      do {
        return try detectedFormat(path, fields).map { [formatFacet: .text($0.rawValue)] } ?? [:]
      } catch let error as FileError {
        throw error
      } catch { return [:] }
    }
  }

  /// What an inspection sees.
  private static let formatFacet = "format"

  /// Rows have to come from somewhere.
  private static func withoutRows(_ fields: Fields, _ inputs: InputTypes) -> [Inference.Conflict] {
    guard fields.from == nil, inputs["files"] == nil else { return [] }
    return [
      .init(
        port: "from", "Nothing says where the rows come from",
        advice: "`from: FILE`, or `files: NODE` for what a node of type `exec` makes")
    ]
  }

  package static func infer(_ fields: Fields, _ inputs: InputTypes) -> Inference {
    let conflicts = withoutRows(fields, inputs)
    let format = fields.format.rowFormat ?? inputs.seen[formatFacet]?.text.flatMap(RowFormat.init(rawValue:))
    guard let format else {
      return Inference(outputs: ["rows": ArtefactType(ArtefactName.rows)], conflicts: conflicts)
    }
    let misfits = RecordReader.misfits(
      format, columns: fields.columns.map, ignored: fields.ignoreColumns, kept: fields.keepColumns)
    return Inference(
      outputs: ["rows": type(of: format, fields)],
      conflicts: conflicts
        + misfits.compactMap { problem in
          // The pipeline is at fault, not the file.
          DatasetError(problem, file: "").diagnostics.first.map { words in
            Inference.Conflict(
              port: words.path ?? "columns", words.summary, reason: words.reason, advice: words.advice)
          }
        })
  }

  /// What rows of a format are.
  private static func type(of format: RowFormat, _ fields: Fields) -> ArtefactType {
    var type = ArtefactType(ArtefactName.rows, [FacetName.kind: .text(format.kind.rawValue)])
    type.keptColumns = Set(fields.keepColumns).sorted()
    return type
  }

  /// The format, told from the first row alone.
  private static func detectedFormat(_ path: String, _ fields: Fields) throws -> RowFormat? {
    var format: RowFormat?
    try RowReader.read(path: path, limit: 1) { row in
      format = try RowFormat.detect(
        row, columns: fields.columns.map, ignored: fields.ignoreColumns, kept: fields.keepColumns
      ).format
    }
    return format
  }

  package static func run(_ fields: Fields, in context: NodeContext) throws {
    let path = try path(fields, context)
    let output = try context.output("rows")
    try RowReader.withBytes(path: path, format: fields.format.rowFormat) { bytes, shape in
      let reader = try reader(fields, bytes, shape, path, context)
      var groups = DatasetGroups(bytes, shape, file: path, reader: reader, to: output, in: context)
      try groups.make(limit: fields.maxRows ?? .max)
      try groups.tally.check(reader.format, columns: fields.columns.map, file: path)
      output.set(type: type(of: reader.format, fields))
      output.details["rows"] = JSON(groups.rows)
      output.details["groups"] = JSON(groups.count)
      let words = [shape.words].compactMap { $0 } + groups.tally.lines(reader.format, columns: fields.columns.map)
      for line in words { context.log(line) }
      for warning in groups.tally.warnings(file: path) { context.warn(warning) }
      let known = groups.read < groups.rows ? "; \(groups.read) rows were read, the others were known" : ""
      context.log("\(groups.rows) rows in \(groups.count) record groups\(known)")
    }
  }

  /// Where the rows lie, under the name that the user knows.
  private static func path(_ fields: Fields, _ context: NodeContext) throws -> String {
    guard let files = context.inputs("files").first else { return try context.source(rowsRole) }
    let names = files.members
    guard let name = fields.member ?? (names.count == 1 ? names[0] : nil), files.contains(name) else {
      throw Diagnostic(
        code: "which-file",
        fields.member.map { "There is no file `\($0)` in `files`" } ?? "Nothing says which of `files` to read",
        reason: "they are [\(names.joined(separator: ", "))]",
        advice: "`member: \(fields.member.flatMap { nearestName(to: $0, among: names) } ?? names.first ?? "FILE")`")
    }
    return try context.linkedFolder("files") + "/" + name
  }

  /// What brings the rows to records, in the format that the field names, or else in the one that the first row tells.
  private static func reader(
    _ fields: Fields, _ bytes: UnsafeRawBufferPointer, _ shape: FileShape, _ path: String, _ context: NodeContext
  ) throws -> RecordReader {
    let columns = fields.columns.map
    var format = fields.format.rowFormat
    var stretches = RowStretches(bytes, shape: shape)
    var number = 0
    while format == nil, number < fields.maxRows ?? .max, let stretch = stretches.next() {
      number += 1
      // What is no row is reported when it is read.
      guard let row = try? RowReader.row(number, stretch, bytes, shape, file: path) else { continue }
      let detected = try RowFormat.detect(
        row, columns: columns, ignored: fields.ignoreColumns, kept: fields.keepColumns)
      context.log("format `\(detected.format.rawValue)`: \(detected.rule)")
      format = detected.format
    }
    return try RecordReader(
      format ?? .text, columns: columns, ignored: fields.ignoreColumns, kept: fields.keepColumns,
      source: fields.source, file: path)
  }
}
