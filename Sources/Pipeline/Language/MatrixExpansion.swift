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
  /// What each node is called in each member, by its name: its own where no param reaches it.
  private var names: [String: [String]] = [:]
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
    let makers = nodes.indices.map { index in
      // Where a node uses no param of the matrix it is the same in all members.
      (uses[index].isEmpty ? written.prefix(1) : written[...]).reduce(into: Set<String>()) {
        $0.formUnion(producers(of: $1[index].value))
      }
    }
    var hasGrown = true
    while hasGrown {
      hasGrown = false
      for (index, node) in nodes.enumerated() {
        let all = makers[index].reduce(into: reach[node.key.text] ?? []) { $0.formUnion(reach[$1] ?? []) }
        if all.count > (reach[node.key.text]?.count ?? 0) {
          reach[node.key.text] = all
          hasGrown = true
        }
      }
    }
    let labels = matrix.names.indices.map { place in Self.labels(of: matrix.members.map { $0[place].text }) }
    for node in nodes {
      let (name, places) = (node.key.text, self.reached(node.key.text))
      names[name] = matrix.members.indices.map { member in
        guard !places.isEmpty else { return name }
        return "\(name)@" + places.map { "\(matrix.names[$0])=\(labels[$0][member])" }.joined(separator: ",")
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

  /// What a node is called in a member.
  private func name(of node: String, member: Int) -> String { names[node]?[member] ?? node }

  /// Values in the letters that names of files have, each with a number where another value before it would be called so too.
  private static func labels(of values: [String]) -> [String] {
    var labels: [String: String] = [:]
    var counts: [String: Int] = [:]
    return values.map { value in
      if let label = labels[value] { return label }
      let letters = String(
        value.prefix(40).map { letter in
          letter.isASCII && (letter.isLetter || letter.isNumber || "._+-".contains(letter)) ? letter : "_"
        })
      let number = (counts[letters] ?? 0) + 1
      counts[letters] = number
      let label = number == 1 ? letters : "\(letters)~\(number)"
      labels[value] = label
      return label
    }
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
