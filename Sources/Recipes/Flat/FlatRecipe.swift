import Diagnostics
import Pipeline

/// A recipe: a flat file that says what is learned from what, and fields of nodes by their own names.
///
///     recipe: dpo
///     model: models/base.gguf
///     data: pairs.jsonl
///     beta: 0.2
///     train.samples.every: 50
package enum FlatRecipe {
  /// The pipeline that a recipe becomes.
  ///
  /// - Parameters:
  ///   - settings: Changes of keys: `learning_rate=1e-5`, `adapter.init=pissa`.
  ///   - registry: The node types, whose fields are keys.
  /// - Throws: `DiagnosticList` with everything wrong, where there is no pipeline at all.
  package static func expand(
    _ file: YAMLText, settings: [Override], hub: HubCache, registry: NodeRegistry
  ) throws -> RecipeFile.Expanded {
    var problems: [Diagnostic] = []
    let entries = entries(file, settings, registry, &problems)
    let expansion = FlatExpansion(entries, file, hub: hub, registry: registry)
    expansion.build()
    problems += expansion.problems
    if expansion.sketch.nodes.isEmpty, problems.hasErrors {
      throw DiagnosticList(RecipeFile.sorted(problems, file))
    }
    let name = file.source.file.split(separator: "/").last.map(String.init) ?? file.source.file
    let head = [
      "What the recipe `\(name)` becomes. A field beside which no key stands has the key of its own name, or none."
    ]
    return RecipeFile.Expanded(
      pipeline: YAMLText(expansion.sketch.tree, of: file.source), problems: problems,
      text: expansion.sketch.text(head: head, tail: []), counts: (entries.count, 0), keys: expansion.sketch.keys)
  }

  /// The keys of a file with their values, changed by what the command line says.
  private static func entries(
    _ file: YAMLText, _ settings: [Override], _ registry: NodeRegistry, _ problems: inout [Diagnostic]
  ) -> [FlatEntry] {
    let roles = Set(FlatRole.all(registry).map(\.name))
    func entries(_ pair: LocatedValue.Pair, isSetting: Bool) -> [FlatEntry] {
      // A node's name with a map behind it is the node's fields.
      if case .map(let inner) = pair.value.content, roles.contains(pair.key.text) || pair.key.text.hasPrefix("rows_") {
        return inner.flatMap { field in
          var field = field
          field.key.text = "\(pair.key.text).\(field.key.text)"
          return entries(field, isSetting: isSetting)
        }
      }
      let path = pair.key.text.split(separator: ".", omittingEmptySubsequences: false).map(String.init)
      return [
        FlatEntry(
          key: pair.key.text, path: path, value: pair.value, keyMark: pair.key.mark, isSetting: isSetting)
      ]
    }
    var all = file.tree.pairs.flatMap { entries($0, isSetting: false) }
    for setting in settings {
      guard let pair = setting.pair(problems: &problems) else { continue }
      for entry in entries(pair, isSetting: true) {
        all.removeAll { $0.key == entry.key }
        all.append(entry)
      }
    }
    // Nothing behind a key is a key that is not given, but for fields that take it.
    return all.filter { entry in !(entry.value.isNull && FlatWord(rawValue: entry.key) != nil) }
  }
}

extension Override {
  /// What is set as a pair of a map, whose key keeps its dots; nil when it is none, which is reported.
  fileprivate func pair(problems: inout [Diagnostic]) -> LocatedValue.Pair? {
    var tree = LocatedValue(.map([]), at: SourceText(file: "", bytes: []).wholeMark)
    apply(toMap: &tree, problems: &problems)
    guard let first = tree.pairs.first else { return nil }
    var (names, value) = ([first.key.text], first.value)
    // The text says how deep it goes: a map may be the value itself.
    while names.count < text.prefix(while: { $0 != "=" }).split(separator: ".").count, let inner = value.pairs.first {
      names.append(inner.key.text)
      value = inner.value
    }
    return LocatedValue.Pair(
      key: LocatedValue.Key(text: names.joined(separator: "."), mark: first.key.mark), value: value)
  }
}
