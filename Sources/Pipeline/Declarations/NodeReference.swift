import PreciseJSON

/// What people read about node types, from their declarations: the listing of `anneal nodes`, the description of one
/// type, and the reference page.
package struct NodeReference: Sendable {
  private let registry: NodeRegistry

  package init(_ registry: NodeRegistry) { self.registry = registry }

  /// One line a node type.
  package var listing: String {
    let width = registry.names.map(\.utf8.count).max() ?? 0
    return registry.types.map { type in
      type.name + String(repeating: " ", count: width - type.name.utf8.count + 2) + type.summary
    }.joined(separator: "\n")
  }

  /// All node types for machines.
  package var json: JSON { .array(registry.types.map(Self.json)) }

  private static func json(_ type: AnyNodeType) -> JSON {
    [
      "name": JSON(type.name), "summary": JSON(type.summary),
      "implementation_version": JSON(type.implementationVersion),
      "inputs": .array(
        type.inputs.map {
          JSON(
            [
              ("name", JSON($0.name)), ("types", .array($0.types.map { JSON($0) })), ("optional", JSON($0.isOptional)),
              ("list", JSON($0.isList)), ("doc", JSON($0.doc)),
            ] + ($0.isNamed ? [("named", true)] : []) + condition($0.condition))
        }),
      "outputs": .array(
        type.outputs.map { ["name": JSON($0.name), "type": JSON($0.type), "doc": JSON($0.doc)] }),
      "fields": .array(type.fields.map(json)),
    ]
  }

  private static func json(_ field: FieldDescription) -> JSON {
    var members: [(key: String, value: JSON)] = [
      ("name", JSON(field.name)), ("type", JSON(unquoted(field.kind.words))), ("required", JSON(field.isRequired)),
      ("default", field.defaultValue.map(PipelineSchema.plain) ?? .null), ("role", JSON(field.role.rawValue)),
      ("doc", JSON(field.doc)),
    ]
    if let unit = field.unit { members.append(("unit", JSON(unit))) }
    members += condition(field.condition)
    if let inner = field.kind.members { members.append(("fields", .array(inner.fields.map(json)))) }
    return JSON(members)
  }

  /// When a field or an input has an effect: all of what is listed must hold.
  private static func condition(_ condition: FieldCondition?) -> [(key: String, value: JSON)] {
    guard let condition else { return [] }
    let terms = condition.terms.map { term -> JSON in
      switch term {
      case .value(let field, let values): ["field": JSON(field), "values": .array(values.map { JSON($0) })]
      case .absence(let field, _): ["field": JSON(field), "given": false]
      }
    }
    return [("when", .array(terms))]
  }

  /// One node type as text for a terminal.
  package func description(of type: AnyNodeType) -> String {
    var lines = ["\(type.name): \(type.summary)"]
    if !type.inputs.isEmpty {
      lines += ["", "Inputs"]
      lines += Self.table(
        type.inputs.map { port in
          let notes =
            (port.isList ? ", list" : "") + (port.isOptional ? ", optional" : "")
            + (port.condition.map { ", " + Self.unquoted($0.words) } ?? "")
          return [port.name, Self.unquoted(port.takenWords) + notes, port.doc]
        })
    }
    if !type.outputs.isEmpty {
      lines += ["", "Outputs"]
      lines += Self.table(type.outputs.map { [$0.name, $0.type, $0.doc] })
    }
    let settings = FieldTables(type.settings).tables
    for (title, tables) in [("Fields", FieldTables(type.fields).tables), ("Settings of every node", settings)] {
      for table in tables {
        lines += ["", title + (table.title.map { " " + Self.unquoted($0) } ?? "")]
        lines += Self.table(
          table.rows.map { row in
            [
              row.path, Self.unquoted(row.field.kind.words), Self.unquoted(Self.defaultWords(row.field)),
              Self.doc(row),
            ]
          })
      }
    }
    return lines.joined(separator: "\n")
  }

  /// The reference page as Markdown.
  package var page: String {
    var lines = [
      "# Node types", "",
      "Made by `anneal nodes --markdown` from the declarations in the program. A field decides the *result* (a change"
        + " runs the node again), only the *speed*, or *none* of both.",
    ]
    for type in registry.types {
      lines += ["", "## `\(type.name)`", "", type.summary]
      if !type.inputs.isEmpty {
        lines += ["", "| input | takes | |", "|---|---|---|"]
        lines += type.inputs.map { port in
          let notes =
            (port.isList ? ", one or a list" : "") + (port.isOptional ? ", optional" : "")
            + (port.condition.map { ", " + $0.words } ?? "")
          return "| `\(port.name)` | \(port.takenWords)\(notes) | \(Self.cell(port.doc)) |"
        }
      }
      if !type.outputs.isEmpty {
        lines += ["", "| output | gives | |", "|---|---|---|"]
        lines += type.outputs.map { "| `\($0.name)` | `\($0.type)` | \(Self.cell($0.doc)) |" }
      }
      lines += Self.markdown(type.fields)
    }
    lines += ["", "## Settings of every node"] + Self.markdown(NodeSettings.fields.map(\.description))
    return lines.joined(separator: "\n") + "\n"
  }

  private static func markdown(_ fields: [FieldDescription]) -> [String] {
    FieldTables(fields).tables.flatMap { table -> [String] in
      let rows = table.rows.map { row in
        "| `\(row.path)` | \(cell(row.field.kind.words)) | \(cell(defaultWords(row.field))) |"
          + " \(row.field.role.rawValue) | \(cell(doc(row))) |"
      }
      let title = table.title.map { ["", $0.prefix(1).uppercased() + $0.dropFirst() + ":"] } ?? []
      return title + ["", "| field | type | default | decides | |", "|---|---|---|---|---|"] + rows
    }
  }

  private static func defaultWords(_ field: FieldDescription) -> String {
    if field.isRequired { return "required" }
    if case .group = field.kind, !field.takesNull { return "" }
    return field.defaultValue.map { "`\($0.forPeople)`" } ?? "none"
  }

  private static func doc(_ row: FieldTables.Row) -> String {
    (row.note.map { "\($0): " } ?? "") + row.field.doc + (row.field.unit.map { " (\($0))" } ?? "")
  }

  private static func cell(_ text: String) -> String {
    text.split(separator: "|", omittingEmptySubsequences: false).joined(separator: "\\|")
  }

  private static func unquoted(_ text: String) -> String {
    String(String.UnicodeScalarView(text.unicodeScalars.filter { $0 != "`" }))
  }

  /// Rows with their columns below each other; the last column runs free.
  private static func table(_ rows: [[String]]) -> [String] {
    let columns = rows.first?.count ?? 0
    let widths = (0..<columns).map { column in rows.map { $0[column].unicodeScalars.count }.max() ?? 0 }
    return rows.map { row in
      var line = " "
      for (column, text) in row.enumerated() {
        line += " " + text
        if column < columns - 1 {
          line += String(repeating: " ", count: widths[column] - text.unicodeScalars.count + 1)
        }
      }
      return line
    }
  }
}
