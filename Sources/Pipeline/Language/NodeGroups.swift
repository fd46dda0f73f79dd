import Diagnostics

/// Puts the nodes of groups in the place of those that name one: `{group: NAME, PARAM: VALUE}`.
///
/// The nodes of a group are called `NODE-INNER`; inside, they name each other as the group does.
struct NodeGroups {
  static let keys = ["pipeline", "params", "nodes", "outputs"]

  private let registry: NodeRegistry
  private let groups: [LocatedValue.Pair]
  private var used: Set<String> = []
  /// Whether `groups` is no map, which is reported.
  private var isBroken = false
  /// What a node that was a group stands for where another one names it.
  private var ends: [String: [String]] = [:]
  private(set) var problems: [Diagnostic] = []

  /// A tree whose nodes are all of some type, without `groups`, and the nodes that the name of one means which was a group.
  static func expand(
    _ tree: LocatedValue, registry: NodeRegistry, problems: inout [Diagnostic]
  ) -> (tree: LocatedValue, meant: [String: [String]]) {
    let nodes = tree["nodes"]?.pairs ?? []
    guard tree["groups"] != nil || nodes.contains(where: { $0.value["group"] != nil }) else { return (tree, [:]) }
    var expansion = NodeGroups(tree["groups"], registry)
    var expanded: [LocatedValue.Pair] = []
    for node in nodes { expanded += expansion.nodes(of: node, behind: []) }
    expansion.checkNames(expanded)
    expanded = expanded.map { pair in
      LocatedValue.Pair(
        key: pair.key, value: expansion.renaming(pair.value, path: "nodes.\(pair.key.text)", with: NodeGroups.end))
    }
    for group in expansion.groups where !expansion.used.contains(group.key.text) {
      expansion.problems.append(
        LanguageProblem.unusedGroup(group.key.text).diagnostic(at: group.key.mark, path: "groups.\(group.key.text)"))
    }
    let pairs = tree.pairs.filter { $0.key.text != "groups" }.map { pair -> LocatedValue.Pair in
      var pair = pair
      switch pair.key.text {
      case "nodes": pair.value = LocatedValue(.map(expanded), at: pair.value.mark)
      case "outputs": pair.value = expansion.outputs(pair.value)
      default: break
      }
      return pair
    }
    problems += expansion.problems
    let meant = expansion.ends.keys.map { ($0, expansion.meant(by: $0)) }
    return (LocatedValue(.map(pairs), at: tree.mark), Dictionary(meant) { first, _ in first })
  }

  /// The nodes of some type that a name stands for.
  private func meant(by name: String) -> [String] {
    ends[name]?.flatMap { meant(by: Self.node(of: $0)) } ?? [name]
  }

  private init(_ groups: LocatedValue?, _ registry: NodeRegistry) {
    self.registry = registry
    self.groups = groups?.pairs ?? []
    if let groups, !groups.isMapOrNull {
      isBroken = true
      problems.append(
        LanguageProblem.topLevelKind("groups", wanted: "a map of node groups", found: groups.kindWords)
          .diagnostic(at: groups.mark, path: "groups"))
    }
  }

  mutating func report(_ problem: LanguageProblem, at mark: Mark, _ path: String) {
    problems.append(problem.diagnostic(at: mark, path: path))
  }

  private mutating func checkNames(_ nodes: [LocatedValue.Pair]) {
    var seen: [String: Mark] = [:]
    for node in nodes {
      if let first = seen[node.key.text] {
        problems.append(
          LanguageProblem.groupNameTaken(node.key.text).diagnostic(
            at: node.key.mark, path: "nodes.\(node.key.text)",
            related: [Diagnostic.Related("the other one stands here", at: first.place)]))
      }
      seen[node.key.text] = node.key.mark
    }
  }

  // MARK: Nodes

  /// A node, or what its group makes of it; `behind` are the groups that it stands in.
  private mutating func nodes(of call: LocatedValue.Pair, behind: [String]) -> [LocatedValue.Pair] {
    let path = "nodes.\(call.key.text)"
    guard let name = call.value["group"] else { return [call] }
    // A node of which nothing is known, so that those that name it are not told that there is none.
    let unexpanded = [LocatedValue.Pair(key: call.key, value: call.value.broken)]
    guard case .scalar(let scalar) = name.content, !name.isNull else {
      report(.topLevelKind("group", wanted: "the name of a group", found: name.kindWords), at: name.mark, path)
      return unexpanded
    }
    guard let group = groups.first(where: { $0.key.text == scalar.text }) else {
      if !isBroken { report(.unknownGroup(scalar.text, among: groups.map(\.key.text)), at: name.mark, "\(path).group") }
      return unexpanded
    }
    let isFirst = used.insert(group.key.text).inserted
    if behind.contains(group.key.text) {
      report(.groupInItself(group.key.text, behind: behind), at: name.mark, "\(path).group")
      return unexpanded
    }
    if isFirst { check(group) }
    guard let inner = group.value["nodes"]?.pairs, !inner.isEmpty else { return unexpanded }
    var scope = scope(of: group, for: call)
    let own = Set(inner.map(\.key.text))
    var made: [LocatedValue.Pair] = []
    for node in inner {
      let value = renaming(node.value, path: "nodes.\(call.key.text)-\(node.key.text)", ofCalls: true) {
        _, text, _, _ in
        let base = Self.node(of: text)
        return own.contains(base) ? ["\(call.key.text)-\(text)"] : nil
      }
      let key = LocatedValue.Key(text: "\(call.key.text)-\(node.key.text)", mark: node.key.mark)
      let given = scope.substitute(value, path: "nodes.\(key.text)")
      made += nodes(of: LocatedValue.Pair(key: key, value: given), behind: behind + [group.key.text])
    }
    problems += scope.finish()
    ends[call.key.text] = ends(of: group, inner).map { "\(call.key.text)-\($0)" }
    return made
  }

  /// The params of a group with the values that a node gives.
  private mutating func scope(of group: LocatedValue.Pair, for call: LocatedValue.Pair) -> ParamScope {
    let declared = group.value["params"]?.pairs ?? []
    let names = declared.map(\.key.text)
    let given = call.value.pairs.filter { $0.key.text != "group" }
    for pair in given where !names.contains(pair.key.text) {
      report(
        .unknownGroupParam(pair.key.text, group: group.key.text, among: names), at: pair.key.mark,
        "nodes.\(call.key.text).\(pair.key.text)")
    }
    return ParamScope(
      declared.compactMap { param in
        let value = given.first { $0.key.text == param.key.text }?.value ?? param.value
        if value.isNull {
          report(
            .missingGroupParam(param.key.text, group: group.key.text), at: call.key.mark, "nodes.\(call.key.text)")
          return LocatedValue.Pair(key: param.key, value: value.broken)
        }
        return LocatedValue.Pair(key: param.key, value: value)
      }, given: Set(given.map(\.key.text)))
  }

  /// The nodes that a group's name means: its outputs, or all that none of its nodes takes.
  private func ends(of group: LocatedValue.Pair, _ inner: [LocatedValue.Pair]) -> [String] {
    switch group.value["outputs"]?.content {
    case .list(let items): return items.map(\.text)
    case .scalar(let scalar) where !scalar.text.isEmpty: return [scalar.text]
    default:
      var taken: Set<String> = []
      for node in inner {
        for text in references(of: node.value) { taken.insert(Self.node(of: text)) }
      }
      return inner.map(\.key.text).filter { !taken.contains($0) }
    }
  }

  // MARK: References

  static func node(of text: String) -> String {
    String(text.split(separator: ".", maxSplits: 1, omittingEmptySubsequences: false).first ?? "")
  }

  /// The keys of a node that may name nodes, and whether they may name several: the ports of its type, and all that a
  /// group is given.
  private func ports(of node: LocatedValue, ofCalls: Bool) -> [String: Bool] {
    let names: [(String, Bool)]
    if node["group"] != nil {
      names = ofCalls ? node.pairs.map { ($0.key.text, true) }.filter { $0.0 != "group" } : []
    } else if case .scalar(let type)? = node["type"]?.content {
      names = (registry[type.text]?.inputs ?? []).map { ($0.name, $0.isList) }
    } else {
      names = []
    }
    return Dictionary(names) { $0 || $1 }
  }

  /// What a node of a group says where nodes may be named.
  private func references(of node: LocatedValue) -> [String] {
    let ports = ports(of: node, ofCalls: true)
    return node.pairs.filter { ports[$0.key.text] != nil }.flatMap { pair -> [String] in
      switch pair.value.content {
      case .list(let items): items.map(\.text)
      case .map(let pairs): takesNames(pair.key.text, node) ? pairs.map(\.value.text) : []
      case .scalar: [pair.value.text]
      }
    }
  }

  /// Whether a key is a port that takes nodes under names.
  private func takesNames(_ port: String, _ node: LocatedValue) -> Bool {
    guard node["group"] == nil, case .scalar(let type)? = node["type"]?.content else { return false }
    return registry[type.text]?.inputs.contains { $0.isNamed && $0.name == port } ?? false
  }

  private typealias Renaming = (inout NodeGroups, String, LocatedValue, String) -> [String]?

  /// A node whose references have other names, where `rename` gives some.
  private mutating func renaming(
    _ node: LocatedValue, path: String, ofCalls: Bool = false, with rename: Renaming
  ) -> LocatedValue {
    guard case .map(var pairs) = node.content else { return node }
    let ports = ports(of: node, ofCalls: ofCalls)
    for index in pairs.indices {
      guard let isList = ports[pairs[index].key.text] else { continue }
      let place = "\(path).\(pairs[index].key.text)"
      if case .map(var named) = pairs[index].value.content, takesNames(pairs[index].key.text, node) {
        for name in named.indices {
          let (old, place) = (named[name].value, "\(place).\(named[name].key.text)")
          let value = renamed(old, place, rename)
          if !old.isList, case .list(let items) = value.content {
            report(.severalEnds(old.text, ends: items.map(\.text)), at: value.mark, place)
            named[name].value = old.broken
          } else {
            named[name].value = value
          }
        }
        pairs[index].value.content = .map(named)
        continue
      }
      let value = renamed(pairs[index].value, place, rename)
      if !isList, !pairs[index].value.isList, case .list(let items) = value.content {
        report(.severalEnds(pairs[index].value.text, ends: items.map(\.text)), at: value.mark, place)
        pairs[index].value = value.broken
      } else {
        pairs[index].value = value
      }
    }
    var new = node
    new.content = .map(pairs)
    return new
  }

  private mutating func renamed(_ value: LocatedValue, _ path: String, _ rename: Renaming) -> LocatedValue {
    var new = value
    switch value.content {
    case .scalar(let scalar):
      guard let names = rename(&self, scalar.text, value, path) else { return value }
      let items = names.map { name -> LocatedValue in
        var item = value
        item.content = .scalar(LocatedValue.Scalar(text: name, isPlain: true))
        return item
      }
      if items.count == 1 { return items[0] }
      new.content = .list(items)
    case .list(let items):
      new.content = .list(
        items.flatMap { item -> [LocatedValue] in
          let inner = renamed(item, path, rename)
          if !item.isList, case .list(let several) = inner.content { return several }
          return [inner]
        })
    case .map: break
    }
    return new
  }

  /// What the name of a group's node stands for.
  private static func end(
    _ groups: inout NodeGroups, _ text: String, _ value: LocatedValue, _ path: String
  ) -> [String]? {
    let name = node(of: text)
    guard let ends = groups.ends[name] else { return nil }
    let output = text.dropFirst(name.count)
    // The group may say which output of a node it means; another one cannot be asked for behind that.
    if output.isEmpty { return ends.flatMap { end(&groups, $0, value, path) ?? [$0] } }
    guard ends.count == 1, let only = ends.first, !only.contains(".") else {
      groups.report(.severalEnds(name, ends: ends), at: value.mark, path)
      return nil
    }
    return end(&groups, only + output, value, path) ?? [only + output]
  }

  private mutating func outputs(_ value: LocatedValue) -> LocatedValue {
    renamed(value, "outputs", NodeGroups.end)
  }
}
