import Diagnostics
import Pipeline
import PreciseJSON

/// The names in a pipeline file: where they are declared, where they are used, and what they are.
struct Names {
  /// A use or a declaration of a name.
  struct Site {
    var start: OpenDocument.Position
    var length: Int
  }

  enum Subject: Equatable {
    case node(String)
    case param(String)
  }

  let registry: NodeRegistry
  let document: OpenDocument

  /// Why a node or param cannot be called so; nil when it can.
  func refusal(of name: String, for subject: Subject) -> String? {
    let (own, kind, area) =
      switch subject {
      case .node(let own): (own, "node", "nodes")
      case .param(let own): (own, "param", "params")
      }
    guard isName(name) else {
      return "`\(name)` is no name of a \(kind): letters, digits, `_` and `-` are, beginning with a letter or `_`"
    }
    guard name == own || !document.pairs(area).contains(where: { $0.key.text == name }) else {
      return "There is a \(kind) `\(name)` already"
    }
    return nil
  }

  /// The node or param that a cursor is at.
  func subject(at position: OpenDocument.Position) -> Subject? {
    for subject in subjects {
      let hit = sites(of: subject).contains { site in
        site.start.line == position.line
          && (site.start.character...site.start.character + site.length).contains(position.character)
      }
      if hit { return subject }
    }
    return nil
  }

  private var subjects: [Subject] {
    document.pairs("nodes").map { .node($0.key.text) } + document.pairs("params").map { .param($0.key.text) }
  }

  func declaration(of subject: Subject) -> Site? {
    switch subject {
    case .node(let name): document.node(name).map { site($0.key.mark, name) }
    case .param(let name): document.param(name).map { site($0.key.mark, name) }
    }
  }

  /// Every place of a name, its declaration first.
  func sites(of subject: Subject) -> [Site] {
    let declared = declaration(of: subject).map { [$0] } ?? []
    switch subject {
    case .node(let name):
      // In a group its own nodes come before those of the file.
      let grouped = document.pairs("groups").map { document.nodes(of: $0.key.text) }
        .filter { !$0.contains { $0.key.text == name } }
      let used = (grouped.flatMap { $0 } + document.pairs("nodes")).flatMap { references(in: $0.value, to: name) }
      let outputs = document.tree?["outputs"].map { items(of: $0) } ?? []
      return declared + used + outputs.compactMap { reference($0, to: name) }
    case .param(let name): return declared + markers(of: name)
    }
  }

  /// The places in a node that name another one.
  private func references(in node: LocatedValue, to name: String) -> [Site] {
    let ports: Set<String>
    if node["group"] != nil {
      ports = Set(node.pairs.map(\.key.text)).subtracting(["group"])
    } else {
      ports = Set((registry[node["type"]?.text ?? ""]?.inputs ?? []).map(\.name))
    }
    return node.pairs.filter { ports.contains($0.key.text) }.flatMap { pair in
      items(of: pair.value).compactMap { reference($0, to: name) }
    }
  }

  /// What may name nodes at a port: one, several, or several under names.
  private func items(of value: LocatedValue) -> [LocatedValue] {
    switch value.content {
    case .list(let items): items
    case .map(let named): named.map(\.value)
    case .scalar: [value]
    }
  }

  private func reference(_ value: LocatedValue, to name: String) -> Site? {
    guard case .scalar(let scalar) = value.content,
      scalar.text == name || scalar.text.hasPrefix(name + ".") || scalar.text.hasPrefix(name + "@")
    else { return nil }
    var found = site(value.mark, name)
    if !scalar.isPlain { found.start.character += 1 }
    return found
  }

  /// The places of `${name}` in the text.
  private func markers(of name: String) -> [Site] {
    document.lines.enumerated().flatMap { number, line -> [Site] in
      line.ranges(of: "${\(name)}").map { range in
        Site(
          start: .init(line: number, character: line[..<range.lowerBound].utf16.count + 2), length: name.utf16.count)
      }
    }
  }

  private func site(_ mark: Mark, _ name: String) -> Site {
    Site(start: document.position(mark.place), length: name.utf16.count)
  }

  // MARK: What they are

  /// Markdown about what stands at a cursor; nil where there is nothing to say.
  func hover(at position: OpenDocument.Position) -> String? {
    if let subject = subject(at: position) {
      switch subject {
      case .param(let name): return document.param(name).map { "`\(name)` = `\($0.value.inlineYAML)`" }
      case .node(let name):
        guard let node = document.node(name) else { return nil }
        guard let type = registry[node.value["type"]?.text ?? ""] else {
          return node.value["group"].map { "`\(name)`: the group `\($0.inlineYAML)`" }
        }
        return
          (["`\(name)`: **\(type.name)**. \(type.summary)"]
          + type.outputs(written: node.value).map { "- `\(name).\($0.name)`: \($0.doc)" })
          .joined(separator: "\n")
      }
    }
    guard let word = document.word(at: position) else { return nil }
    let context = CursorContext(
      document.lines, line: position.line, prefix: document.text(before: word.start))
    guard context.path.first == "nodes", context.path.count > 1,
      let type = registry[document.node(context.path[1])?.value["type"]?.text ?? ""]
    else { return nil }
    if context.isValue {
      return context.path.count == 3 && context.path.last == "type"
        ? registry[word.text].map { "**\($0.name)**. \($0.summary)" } : nil
    }
    if context.path.count == 2, let port = type.inputs.first(where: { $0.name == word.text }) {
      return "`\(port.name)` takes \(port.types.map { "`\($0)`" }.joined(separator: " or ")). \(port.doc)"
    }
    var fields = type.fields + NodeSettings.fields.map(\.description)
    for key in context.path.dropFirst(2) {
      guard let inner = fields.first(where: { $0.name == key })?.kind.members else { return nil }
      fields = inner.fields
    }
    return fields.first { $0.name == word.text }.map { field in
      "`\(field.name)`: \(field.kind.words). \(Completion.words(field))"
    }
  }
}
