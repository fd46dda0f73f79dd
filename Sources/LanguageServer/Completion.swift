import Pipeline
import PreciseJSON

/// What may stand at a cursor: keys, types, choices, names of nodes and params.
struct Completion {
  /// Kinds of the protocol.
  private enum Kind: Int {
    case field = 5
    case variable = 6
    case type = 7
    case value = 12
    case keyword = 14
  }

  let registry: NodeRegistry
  let document: OpenDocument

  func items(at position: OpenDocument.Position) -> [JSON] {
    let prefix = document.text(before: position)
    if let dollar = prefix.range(ofLast: "${"), !prefix[dollar...].contains("}") {
      return document.pairs("params").map { item($0.key.text, .variable, $0.value.inlineYAML) }
    }
    var context = CursorContext(document.lines, line: position.line, prefix: prefix)
    if context.path.isEmpty { return Self.topLevel.map { item($0.key, .keyword, $0.doc, suffix: ": ") } }
    if context.path == ["outputs"] { return context.isValue ? nodes(giving: nil) : [] }
    if context.path.first == "groups", context.path.count > 3, context.path[2] == "nodes" {
      // The nodes of a group are written as those of the file are.
      let group = context.path[1]
      context.path.removeFirst(2)
      return inNode(context, document.node(in: group, context.path[1]), document.nodes(of: group))
    }
    guard context.path.first == "nodes", context.path.count > 1 else { return [] }
    return inNode(context, document.node(context.path[1]), [])
  }

  /// What may stand in a node that is written so far as `node`, beside `others` that come before the file's.
  private func inNode(
    _ context: CursorContext, _ node: LocatedValue.Pair?, _ others: [LocatedValue.Pair]
  ) -> [JSON] {
    let type = registry[typeName(of: node, context)]
    if !context.isValue {
      if context.path.count == 2 {
        let group = context.siblings["group"] ?? (type == nil ? node?.value["group"]?.text : nil)
        return group.map { params(of: $0, context) } ?? keys(of: type, context)
      }
      return fields(of: type, along: context.path.dropFirst(2)).map { fields in
        fields.filter { context.siblings[$0.name] == nil }.map { item($0.name, .field, Self.words($0), suffix: ": ") }
      } ?? []
    }
    let key = context.path.last ?? ""
    if context.path.count == 3, key == "type" { return registry.types.map { item($0.name, .type, $0.summary) } }
    if context.path.count == 3, key == "group" {
      return document.pairs("groups").map { item($0.key.text, .variable, "a group of nodes") }
    }
    if context.path.count < 5, let port = type?.inputs.first(where: { $0.name == context.path[2] }),
      context.path.count == (port.isNamed ? 4 : 3)
    {
      let types = type?.inputs.filter { $0.name == port.name }.flatMap(\.types) ?? []
      return nodes(giving: types.isEmpty ? nil : types, others, isAny: port.isNamed)
    }
    let field = fields(of: type, along: context.path.dropFirst(2).dropLast())?.first { $0.name == key }
    return field.map { Self.values($0.kind).map { item($0, .value, "") } } ?? []
  }

  private static let topLevel: [(key: String, doc: String)] = [
    ("pipeline", "The name of the pipeline"), ("extends", "A file that this one changes"),
    ("include", "Files whose params, nodes and groups stand beside those of this one"),
    ("params", "Values that the nodes use as ${name}"), ("matrix", "Values that some params take, one after the other"),
    ("groups", "Nodes that stand together wherever a node says `group: NAME`"), ("nodes", "The steps, by name"),
    ("outputs", "The nodes whose results are wanted"), ("cache", "Caches beside the store"),
  ]

  /// The type of a node: as the map around the cursor says, else as the newest text that was YAML does.
  private func typeName(of node: LocatedValue.Pair?, _ context: CursorContext) -> String {
    if context.path.count == 2 || context.path.count == 3 && context.isValue, let type = context.siblings["type"] {
      return type
    }
    return node?.value["type"]?.text ?? ""
  }

  /// The params that a group of the file takes.
  private func params(of group: String, _ context: CursorContext) -> [JSON] {
    let params = document.pairs("groups").first { $0.key.text == group }?.value["params"]?.pairs ?? []
    return params.filter { context.siblings[$0.key.text] == nil }.map { param in
      let detail = param.value.isNull ? "required" : "\(param.value.inlineYAML) unless given"
      return item(param.key.text, .field, detail, suffix: ": ")
    }
  }

  private func keys(of type: AnyNodeType?, _ context: CursorContext) -> [JSON] {
    guard let type else {
      return [
        item("type", .keyword, "What the node does", suffix: ": "),
        item("group", .keyword, "The group that stands here", suffix: ": "),
      ]
    }
    var told: Set<String> = []
    let ports = type.inputs.map { ($0.name, "\($0.doc) (takes \($0.types.joined(separator: " or ")))") }
    let fields = (type.fields + NodeSettings.fields.map(\.description)).map { ($0.name, Self.words($0)) }
    return (ports + fields).filter { context.siblings[$0.0] == nil && told.insert($0.0).inserted }
      .map { item($0.0, .field, $0.1, suffix: ": ") }
  }

  /// The fields of the map at a path of keys inside a node.
  private func fields(of type: AnyNodeType?, along path: ArraySlice<String>) -> [FieldDescription]? {
    var fields = (type?.fields ?? []) + NodeSettings.fields.map(\.description)
    for key in path {
      guard let inner = fields.first(where: { $0.name == key })?.kind.members else { return nil }
      fields = inner.fields
    }
    return fields
  }

  /// The nodes, and their outputs where there are several, that give one of some types of artefacts.
  ///
  /// - Parameters:
  ///   - others: Nodes before those of the file.
  ///   - isAny: Whether an output has to be named wherever there are several, since all of them fit.
  private func nodes(giving types: [String]?, _ others: [LocatedValue.Pair] = [], isAny: Bool = false) -> [JSON] {
    (others + document.pairs("nodes")).flatMap { pair -> [JSON] in
      guard let type = registry[pair.value["type"]?.text ?? ""] else {
        return pair.value["group"] == nil ? [] : [item(pair.key.text, .variable, "a group of nodes")]
      }
      let fitting = type.outputs(written: pair.value).filter { types?.contains($0.type) ?? true }
      let isOnly = fitting.count == 1 || types == nil && !isAny
      return (isOnly ? fitting.prefix(1) : fitting[...]).map { output in
        item(isOnly ? pair.key.text : "\(pair.key.text).\(output.name)", .variable, "\(type.name): \(output.doc)")
      }
    }
  }

  private static func values(_ kind: FieldKind) -> [String] {
    switch kind {
    case .bool: ["true", "false"]
    case .choice(let names): names
    case .list(let element): values(element)
    default: []
    }
  }

  /// A field in a line: what it is, and what holds unless it is given.
  static func words(_ field: FieldDescription) -> String {
    field.doc + (field.unit.map { " (\($0))" } ?? "")
      + (field.isRequired ? "; required" : field.defaultValue.map { "; \($0.forPeople) unless given" } ?? "")
  }

  private func item(_ label: String, _ kind: Kind, _ detail: String, suffix: String = "") -> JSON {
    [
      "label": JSON(label), "kind": JSON(kind.rawValue), "detail": JSON(detail), "insertText": JSON(label + suffix),
    ]
  }
}

extension String {
  /// Where a text begins for the last time.
  fileprivate func range(ofLast text: String) -> String.Index? {
    var found: String.Index?
    var rest = self[...]
    while let range = rest.firstRange(of: text) {
      found = range.lowerBound
      rest = rest[range.upperBound...]
    }
    return found
  }
}
