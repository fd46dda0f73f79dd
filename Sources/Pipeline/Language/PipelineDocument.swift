import Diagnostics

/// The parts of a pipeline file, before anything is known about node types.
struct PipelineDocument {
  static let keys = [
    "pipeline", "extends", "include", "params", "matrix", "groups", "nodes", "outputs", "cache",
  ]
  /// Bytes of a name: file systems take 255, and `NAME.json` is the longest name of a file that is made from one.
  static let nameLimit = 250

  let source: SourceText
  private(set) var name = ""
  private(set) var params: [LocatedValue.Pair] = []
  private(set) var nodes: [LocatedValue.Pair] = []
  /// Several values for some params.
  private var matrix: LocatedValue.Pair?
  /// What nodes of the matrix are, by their names.
  private(set) var members: [String: MatrixMember] = [:]
  /// Nil when the file names none: then all ends of the graph are outputs.
  private(set) var outputs: [LocatedValue]?
  /// Where results are looked for and put, beside the store; no part of the work.
  private var cache: LocatedValue?
  private(set) var caches: [LocatedCache] = []
  private(set) var problems: [Diagnostic] = []

  /// Takes the parts from a tree that is a map.
  init(_ tree: LocatedValue, source: SourceText) {
    self.source = source
    for pair in tree.pairs {
      switch pair.key.text {
      case "pipeline": readName(pair.value)
      case "matrix": if !pair.value.isNull { matrix = pair }
      case "params": params = named(pair, kind: "param", wanted: "a map of params")
      case "nodes":
        nodes = named(pair, kind: "node", wanted: "a map of nodes")
        if nodes.isEmpty, pair.value.isMapOrNull { report(.noNodes, at: pair.key.mark, "nodes") }
      case "outputs": readOutputs(pair)
      case "cache": cache = pair.value
      default: report(.unknownTopLevel(pair.key.text, among: Self.keys), at: pair.key.mark, pair.key.text)
      }
    }
    let suggested = tree.pairs.compactMap { nearestName(to: $0.key.text, among: Self.keys) }
    if tree["pipeline"] == nil, !suggested.contains("pipeline") {
      report(.missingTopLevel("pipeline", advice: "Start the file with `pipeline: NAME`"), at: tree.mark, nil)
    }
    if tree["nodes"] == nil, !suggested.contains("nodes") {
      report(.missingTopLevel("nodes", advice: "Add `nodes:` and at least one node below it"), at: tree.mark, nil)
    }
  }

  private mutating func report(_ problem: LanguageProblem, at mark: Mark, _ path: String?) {
    problems.append(problem.diagnostic(at: mark, path: path))
  }

  private mutating func readName(_ value: LocatedValue) {
    guard case .scalar(let scalar) = value.content, !value.isNull else {
      report(.topLevelKind("pipeline", wanted: "a name", found: value.kindWords), at: value.mark, "pipeline")
      return
    }
    name = scalar.text
    let bytes = Array(name.utf8)
    if bytes.count > Self.nameLimit {
      report(.longName(kind: "pipeline", name: name, limit: Self.nameLimit), at: value.mark, "pipeline")
      return
    }
    let valid = bytes.allSatisfy { isNameByte($0) || $0 == UInt8(ascii: ".") }
    guard valid, let first = bytes.first, isNameByte(first), first != UInt8(ascii: "-"), first != UInt8(ascii: "_")
    else {
      report(.badPipelineName(name), at: value.mark, "pipeline")
      return
    }
  }

  private mutating func named(_ pair: LocatedValue.Pair, kind: String, wanted: String) -> [LocatedValue.Pair] {
    guard pair.value.isMapOrNull else {
      report(
        .topLevelKind(pair.key.text, wanted: wanted, found: pair.value.kindWords), at: pair.value.mark, pair.key.text)
      return []
    }
    for member in pair.value.pairs where !isName(member.key.text) {
      report(.badName(kind: kind, name: member.key.text), at: member.key.mark, "\(pair.key.text).\(member.key.text)")
    }
    for member in pair.value.pairs where kind == "node" && member.key.text.utf8.count > Self.nameLimit {
      report(
        .longName(kind: kind, name: member.key.text, limit: Self.nameLimit), at: member.key.mark,
        "\(pair.key.text).\(member.key.text.prefix(20))…")
    }
    return pair.value.pairs
  }

  private mutating func readOutputs(_ pair: LocatedValue.Pair) {
    switch pair.value.content {
    case .list(let items):
      outputs = items
      if items.isEmpty { report(.noOutputsListed, at: pair.value.mark, "outputs") }
    case .scalar where !pair.value.isNull: outputs = [pair.value]
    default:
      report(
        .topLevelKind("outputs", wanted: "a list of nodes", found: pair.value.kindWords), at: pair.value.mark, "outputs"
      )
      outputs = []
    }
  }

  /// Puts the params where they are used, once for each member of the matrix where there is one.
  ///
  /// - Parameter changesMatrix: Whether the command line changes the matrix.
  mutating func substituteParams(registry: NodeRegistry, changesMatrix: Bool) {
    if let matrix {
      let read = Matrix(
        matrix.value, key: matrix.key, params: params.map(\.key.text), isChanged: changesMatrix)
      problems += read.problems
      if !read.problems.hasErrors { return expand(read, registry: registry) }
    }
    var scope = ParamScope(params)
    nodes = nodes.map { pair in
      LocatedValue.Pair(key: pair.key, value: scope.substitute(pair.value, path: "nodes.\(pair.key.text)"))
    }
    outputs = outputs.map { items in
      items.enumerated().map { scope.substitute($1, path: "outputs[\($0)]") }
    }
    readCaches(&scope)
    params = scope.values
    problems += scope.finish()
  }

  private mutating func readCaches(_ scope: inout ParamScope) {
    guard let cache else { return }
    caches = LocatedCache.read(scope.substitute(cache, path: "cache"), path: "cache", problems: &problems)
  }

  private mutating func expand(_ matrix: Matrix, registry: NodeRegistry) {
    var scopes = matrix.members.map { member in
      ParamScope(
        params.map { pair in
          guard let place = matrix.names.firstIndex(of: pair.key.text) else { return pair }
          return LocatedValue.Pair(key: pair.key, value: member[place])
        })
    }
    let uses = nodes.map { pair in
      let own = scopes[0].uses(of: pair.value)
      return Set(matrix.names.indices.filter { own.contains(matrix.names[$0]) })
    }
    let written = scopes.indices.map { member in
      nodes.map { pair in
        LocatedValue.Pair(key: pair.key, value: scopes[member].substitute(pair.value, path: "nodes.\(pair.key.text)"))
      }
    }
    let expansion = MatrixExpansion(matrix, nodes, written: written, uses: uses, registry: registry)
    problems += expansion.problems
    outputs = outputs.map { items in
      items.enumerated().flatMap { index, item in
        expansion.outputs(scopes.indices.map { scopes[$0].substitute(item, path: "outputs[\(index)]") })
      }
    }
    if let cache, !scopes[0].uses(of: cache).isDisjoint(with: matrix.names) {
      report(.badCache(.ofMatrix), at: cache.mark, "cache")
    } else {
      readCaches(&scopes[0])
    }
    (nodes, members) = expansion.nodesAndMembers()
    for node in nodes where node.key.text.utf8.count > Self.nameLimit {
      let problem = LanguageProblem.longName(kind: "node", name: node.key.text, limit: Self.nameLimit)
      report(problem, at: node.key.mark, "nodes.\(node.key.text.prefix(20))…")
    }
    params = scopes[0].values.map { pair in
      guard let place = matrix.names.firstIndex(of: pair.key.text) else { return pair }
      var seen: Set<String> = []
      let values = matrix.members.map { $0[place] }.filter { seen.insert($0.text).inserted }
      return LocatedValue.Pair(key: pair.key, value: LocatedValue(.list(values), at: pair.value.mark))
    }
    // What is wrong for every member is told once; a param is unused where no member uses it.
    let used = scopes.reduce(into: Set<String>()) { $0.formUnion($1.used) }
    var told: Set<String> = []
    for member in scopes.indices {
      for problem in scopes[member].finish(usedElsewhere: used) {
        let place = "\(problem.code) \(problem.place?.line ?? 0) \(problem.place?.column ?? 0)"
        if told.insert(place).inserted { problems.append(problem) }
      }
    }
  }
}

extension LocatedValue {
  var isMapOrNull: Bool {
    if case .map = content { return true }
    return isNull
  }
}

private func isNameByte(_ byte: UInt8) -> Bool {
  switch byte {
  case UInt8(ascii: "a")...UInt8(ascii: "z"), UInt8(ascii: "A")...UInt8(ascii: "Z"): true
  case UInt8(ascii: "0")...UInt8(ascii: "9"), UInt8(ascii: "_"), UInt8(ascii: "-"): true
  default: false
  }
}

/// Whether a text can name a node or param: `[A-Za-z_][A-Za-z0-9_-]*`.
package func isName(_ text: String) -> Bool {
  guard let first = text.utf8.first, text.utf8.allSatisfy(isNameByte) else { return false }
  return first != UInt8(ascii: "-") && !(0x30...0x39).contains(first)
}
