import Diagnostics

/// Puts members of a matrix in the place of the nodes that its params reach; all others stand there once.
///
/// A param reaches a node that uses it, in whatever way, and those that take what such a node gives.
struct MatrixExpansion {
  private let matrix: Matrix
  private let registry: NodeRegistry
  private let nodes: [LocatedValue.Pair]
  /// The nodes as each member has them, in the order of the members.
  private let written: [[LocatedValue.Pair]]
  /// The numbers of the params, among those of the matrix, that reach a node.
  private var reach: [String: Set<Int>] = [:]
  private(set) var problems: [Diagnostic] = []

  /// What stands behind a node's name for all of its members.
  private static let all = "@*"

  /// - Parameters:
  ///   - written: The nodes as each member has them: its values put in.
  ///   - uses: The params of the matrix that a node uses itself, by its number.
  init(
    _ matrix: Matrix, _ nodes: [LocatedValue.Pair], written: [[LocatedValue.Pair]], uses: [Set<Int>],
    registry: NodeRegistry
  ) {
    self.matrix = matrix
    self.registry = registry
    self.nodes = nodes
    self.written = written
    for (node, own) in zip(nodes, uses) { reach[node.key.text] = own }
    var hasGrown = true
    while hasGrown {
      hasGrown = false
      for (index, node) in nodes.enumerated() {
        var all = reach[node.key.text] ?? []
        for member in written { for name in producers(of: member[index].value) { all.formUnion(reach[name] ?? []) } }
        if all.count > (reach[node.key.text]?.count ?? 0) {
          reach[node.key.text] = all
          hasGrown = true
        }
      }
    }
    let reached = reach.values.reduce(into: Set<Int>()) { $0.formUnion($1) }
    for (index, name) in matrix.names.enumerated() where !reached.contains(index) {
      let mark = matrix.members.first?[index].mark ?? nodes.first?.key.mark
      if let mark { problems.append(LanguageProblem.idleMatrixParam(name).diagnostic(at: mark, path: "matrix")) }
    }
  }

  /// The nodes with their members, and what each member is, by its name.
  func nodesAndMembers() -> (nodes: [LocatedValue.Pair], members: [String: MatrixMember]) {
    var all: [LocatedValue.Pair] = []
    var members: [String: MatrixMember] = [:]
    for (index, node) in nodes.enumerated() {
      let name = node.key.text
      var seen: Set<String> = []
      for (number, member) in written.enumerated() {
        let own = self.name(of: name, member: number)
        guard seen.insert(own).inserted else { continue }
        var pair = member[index]
        pair.key.text = own
        pair.value = renamed(pair.value, member: number)
        all.append(pair)
        guard own != name else { continue }
        members[own] = MatrixMember(
          node: name,
          values: reached(name).map { .init(name: matrix.names[$0], value: matrix.members[number][$0].text) })
      }
    }
    return (all, members)
  }

  /// An output of the file as the members have it, each once.
  func outputs(_ values: [LocatedValue]) -> [LocatedValue] {
    var seen: Set<String> = []
    return values.enumerated().map { renamedReference($1, member: $0) }.filter { seen.insert($0.text).inserted }
  }

  private func reached(_ node: String) -> [Int] { (reach[node] ?? []).sorted() }

  /// What a node is called in a member: its own name where no param reaches it.
  private func name(of node: String, member: Int) -> String {
    let places = reached(node)
    guard !places.isEmpty else { return node }
    let parts = places.map { "\(matrix.names[$0])=\(label(matrix.members[member][$0], of: $0))" }
    return "\(node)@\(parts.joined(separator: ","))"
  }

  /// A value in the letters that names of files have; with a number where another value would be called so too.
  private func label(_ value: LocatedValue, of place: Int) -> String {
    func letters(_ value: LocatedValue) -> String {
      String(
        value.text.prefix(40).map { letter in
          letter.isASCII && (letter.isLetter || letter.isNumber || "._+-".contains(letter)) ? letter : "_"
        })
    }
    let own = letters(value)
    var others: [String] = []
    for member in matrix.members where letters(member[place]) == own && !others.contains(member[place].text) {
      others.append(member[place].text)
    }
    let number = others.firstIndex(of: value.text) ?? 0
    return number == 0 ? own : "\(own)~\(number + 1)"
  }

  // MARK: References

  /// The input ports that a node may have.
  private func ports(_ node: LocatedValue) -> [String: Bool] {
    guard case .scalar(let type)? = node["type"]?.content else { return [:] }
    return Dictionary((registry[type.text]?.inputs ?? []).map { ($0.name, $0.isList) }) { $0 || $1 }
  }

  /// The node that a text names.
  private func base(_ text: String) -> String? {
    let name = String(text.split(separator: ".", maxSplits: 1, omittingEmptySubsequences: false).first ?? "")
    return reach[name] == nil ? nil : name
  }

  /// The nodes whose members a node takes one of each.
  private func producers(of node: LocatedValue) -> Set<String> {
    var names: Set<String> = []
    let ports = ports(node)
    for pair in node.pairs where ports[pair.key.text] != nil {
      let items =
        switch pair.value.content {
        case .list(let items): items
        case .map(let pairs): pairs.map(\.value)
        case .scalar: [pair.value]
        }
      for case .scalar(let scalar) in items.map(\.content) { if let name = base(scalar.text) { names.insert(name) } }
    }
    return names
  }

  /// A node whose ports name members.
  private func renamed(_ node: LocatedValue, member: Int) -> LocatedValue {
    guard case .map(var pairs) = node.content else { return node }
    let ports = ports(node)
    for index in pairs.indices {
      guard let isList = ports[pairs[index].key.text] else { continue }
      var value = pairs[index].value
      if case .map(let named) = value.content {
        value.content = .map(
          named.map { pair in
            var pair = pair
            pair.value = renamedReference(pair.value, member: member)
            return pair
          })
        pairs[index].value = value
        continue
      }
      let items = if case .list(let items) = value.content { items } else { [value] }
      if isList, value.isList || items.contains(where: { everyone($0) != nil }) {
        value.content = .list(items.flatMap { everyone($0) ?? [renamedReference($0, member: member)] })
        pairs[index].value = value
      } else if !value.isList {
        pairs[index].value = renamedReference(value, member: member)
      }
    }
    var new = node
    new.content = .map(pairs)
    return new
  }

  private func renamedReference(_ value: LocatedValue, member: Int) -> LocatedValue {
    guard case .scalar(var scalar) = value.content, let name = base(scalar.text) else { return value }
    scalar.text = self.name(of: name, member: member) + scalar.text.dropFirst(name.count)
    var new = value
    new.content = .scalar(scalar)
    return new
  }

  /// All members of the node that `NODE@*` or `NODE@*.OUTPUT` names; nil for anything else.
  private func everyone(_ value: LocatedValue) -> [LocatedValue]? {
    guard case .scalar(let scalar) = value.content, let place = scalar.text.firstRange(of: Self.all) else { return nil }
    let name = String(scalar.text[..<place.lowerBound])
    guard reach[name] != nil else { return nil }
    var seen: Set<String> = []
    return matrix.members.indices.map { self.name(of: name, member: $0) }.filter { seen.insert($0).inserted }.map {
      var new = value
      new.content = .scalar(LocatedValue.Scalar(text: $0 + scalar.text[place.upperBound...], isPlain: true))
      return new
    }
  }
}
