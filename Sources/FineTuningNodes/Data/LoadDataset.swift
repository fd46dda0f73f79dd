import Datasets
import Diagnostics
import Pipeline
import PreciseJSON

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
      Field("label", \.map[.label], doc: "Column that says whether KTO's answer is one to give"),
    ]
  }

  package struct Fields: FieldSet {
    var from: FilePath?
    var format = Format.auto
    var columns = Columns()
    var ignoreColumns: [String] = []
    var maxRows: Int?

    package init() {}

    package static let fields: [Field<Self>] = [
      Field(
        "from", \.from, required: true,
        doc: "A file of JSON objects (a line each, in a list, or one after another) or of text; its content tells which"
      ),
      Field(
        "format", \.format, doc: "The layout of the rows; `auto` tells it from the first row's columns and says how"),
      Field("columns", \.columns, doc: "The names of columns, where the file calls them differently"),
      Field(
        "ignore_columns", \.ignoreColumns,
        doc: "Columns to leave out; those with a meaning for training that the layout does not read have to be named"),
      Field("max_rows", \.maxRows, in: 1..., unit: "rows", doc: "Takes only the first rows"),
    ]
  }

  package static let name = "load_dataset"
  package static let summary = "Reads a dataset file and brings its rows to one form"
  package static let implementationVersion = 2
  package static let inputs: [InputPort] = []
  package static let outputs = [OutputPort("rows", ArtefactName.rows, doc: "The rows, in record groups")]

  package static func sources(_ fields: Fields, _ paths: PathReader) throws -> [SourceRequest] {
    fields.from.map { [SourceRequest(role: rowsRole, path: paths.text(of: $0), kind: .file)] } ?? []
  }

  private static let rowsRole = "rows"

  package static func inspection(_ fields: Fields, _ sources: NodeSources) -> Inspection? {
    guard fields.format == .auto, let path = sources[rowsRole] else { return nil }
    let columns = AnyFields(fields).keyEntries.filter { $0.label.hasPrefix("fields.columns") }
    return Inspection(of: sources, fields: columns) {
      // A row that cannot be understood is the run's to report, with its number.
      guard let kind = try? detectedKind(path, fields.columns.map) else { return [:] }
      return [FacetName.kind: .text(kind.rawValue)]
    }
  }

  package static func infer(_ fields: Fields, _ inputs: InputTypes) -> Inference {
    let facets = fields.format.rowFormat.map { [FacetName.kind: Facet.text($0.kind.rawValue)] } ?? inputs.seen
    return Inference(outputs: ["rows": ArtefactType(ArtefactName.rows, facets)])
  }

  /// The kind of the records, told from the first row alone.
  private static func detectedKind(_ path: String, _ columns: ColumnMap) throws -> Record.Kind? {
    var kind: Record.Kind?
    try RowReader.read(path: path, limit: 1) { kind = try RowFormat.detect($0, columns: columns).format.kind }
    return kind
  }

  package static func run(_ fields: Fields, in context: NodeContext) throws {
    let path = try context.source(rowsRole)
    let output = try context.output("rows")
    var grouper = RecordGrouper()
    var groups = 0
    var rows = 0
    func publish(_ lines: [String]?) throws {
      guard let lines else { return }
      try output.write(GroupFile.bytes(lines: lines), to: GroupFile.name(groups))
      groups += 1
    }
    var options = RecordReading.Options()
    options.format = fields.format.rowFormat
    options.columns = fields.columns.map
    options.ignored = fields.ignoreColumns
    options.limit = fields.maxRows
    func detected(_ found: DetectedFormat) { context.log("format `\(found.format.rawValue)`: \(found.rule)") }
    let reading = try RecordReading(path: path, options, detected: detected) { record, _ in
      rows += 1
      try publish(grouper.append(record.json.text()))
      if rows % 1000 == 0 { try context.checkCancellation() }
    }
    try publish(grouper.finish())
    output.set(type: ArtefactType(ArtefactName.rows, [FacetName.kind: .text(reading.format.kind.rawValue)]))
    output.details["rows"] = JSON(rows)
    output.details["groups"] = JSON(groups)
    for line in reading.lines { context.log(line) }
    context.log("\(rows) rows in \(groups) record groups")
  }
}
