import LanguageModels

/// Tensors by their names.
package struct NamedParts: TrainedParts, Hashable {
  package static let name = "names"
  package static let doc = "takes the tensors whose names regular expressions find something in"

  package var patterns: [String] = []

  package init() {}

  package static let settings: [Setting<Self>] = [
    .texts(
      "match", \.patterns,
      doc: "Regular expressions that are looked for anywhere in the names of tensors, as `anneal inspect` lists them: "
        + "`layers\\.2[0-9]\\.mlp`, `norm`")
  ]

  package var problem: String? { patterns.isEmpty ? "`match` names nothing" : nil }

  package func selection(of model: KnownModel) throws -> PartSelection {
    var chosen: Set<String> = []
    let names = model.configuration.tensors.map(\.name)
    for pattern in patterns {
      guard let expression = try? Regex(pattern) else { throw TrainedPartsError.notAPattern(pattern) }
      let found = names.filter { $0.firstMatch(of: expression) != nil }
      guard !found.isEmpty else {
        throw TrainedPartsError.noMatch(pattern, known: ParameterGroups.shapes(names))
      }
      chosen.formUnion(found)
    }
    return try PartSelection(model.configuration) { chosen.contains($0.name) }
  }
}
