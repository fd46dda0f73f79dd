import Pipeline

extension FlatRecipe {
  /// The keys of recipes in Markdown: the words of their own, the models beside, and the fields of nodes.
  package static func reference(_ registry: NodeRegistry) -> String {
    var lines = ["| key | what it says |", "|---|---|"]
    lines += FlatWord.allCases.map { "| `\($0.rawValue)` | \($0.doc.replacing("|", with: "\\|")) |" }
    for port in FlatKeys.declaredPorts(registry) {
      lines.append("| `\(port.name)` | \(port.doc.replacing("|", with: "\\|")); a path\(words(port.condition)) |")
    }
    lines += ["", "| node | its fields, which are keys |", "|---|---|"]
    var known = Set(FlatWord.allCases.map(\.rawValue) + FlatKeys.hidden)
    for role in FlatRole.all(registry) where !FlatRole.namedOnly.contains(role.name) {
      var names: [String] = []
      for field in role.type.fields
      where !names.contains(field.name) && !FlatWord.allCases.contains(where: { $0.rawValue == field.name })
        && !FlatKeys.hidden.contains(field.name)
      {
        names.append(field.name)
      }
      let cells = names.map { known.contains($0) ? "`\(role.name).\($0)`" : "`\($0)`" }
      known.formUnion(names)
      lines.append("| `\(role.name)` (`\(role.type.name)`) | \(cells.joined(separator: ", ")) |")
    }
    return lines.joined(separator: "\n") + "\n"
  }

  private static func words(_ condition: FieldCondition?) -> String { condition.map { ", " + $0.words } ?? "" }
}
