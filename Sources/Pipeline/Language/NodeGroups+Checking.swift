import Diagnostics

extension NodeGroups {
  /// Reports what is wrong with a group, whoever uses it.
  mutating func check(_ group: LocatedValue.Pair) {
    let path = "groups.\(group.key.text)"
    guard group.value.isMapOrNull else {
      report(
        .topLevelKind(group.key.text, wanted: "a map with `nodes`", found: group.value.kindWords), at: group.value.mark,
        path)
      return
    }
    for pair in group.value.pairs where !Self.keys.contains(pair.key.text) {
      report(
        .unknownGroupKey(pair.key.text, group: group.key.text, among: Self.keys), at: pair.key.mark,
        "\(path).\(pair.key.text)")
    }
    let names = (group.value["nodes"]?.pairs ?? []).map(\.key.text)
    let suggested = group.value.pairs.compactMap { nearestName(to: $0.key.text, among: Self.keys) }
    if names.isEmpty, !suggested.contains("nodes") {
      report(.groupWithoutNodes(group.key.text), at: group.key.mark, path)
    }
    guard let outputs = group.value["outputs"], !names.isEmpty, !outputs.isNull else { return }
    let items = if case .list(let items) = outputs.content { items } else { [outputs] }
    if items.isEmpty { report(.noOutputsListed, at: outputs.mark, "\(path).outputs") }
    for (index, item) in items.enumerated() where !names.contains(Self.node(of: item.text)) {
      report(.unknownNode(Self.node(of: item.text), among: names), at: item.mark, "\(path).outputs[\(index)]")
    }
  }
}
