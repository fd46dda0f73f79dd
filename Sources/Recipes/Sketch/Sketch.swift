import Diagnostics
import Pipeline

/// A pipeline that is made of another kind of file: nodes with fields, each at the place of what it came from.
struct Sketch {
  struct Field {
    /// With dots for fields inside of others: `schedule.type`.
    var name: String
    var value: LocatedValue
    /// Where it comes from, and what there is to say about it.
    var comment: String?
    /// The key that it comes from, where problems are told by it.
    var key: String?
  }

  struct Node {
    var name: String
    var type: String
    /// Where what asks for the node stands.
    var mark: Mark
    var comment: String?
    var fields: [Field] = []

    mutating func set(_ name: String, _ value: LocatedValue, _ comment: String? = nil) {
      fields.append(Field(name: name, value: value, comment: comment))
    }

    /// Connects an input with a node, or several.
    mutating func connect(_ port: String, _ nodes: String...) {
      let values = nodes.map { LocatedValue(scalar: $0, at: mark) }
      fields.append(Field(name: port, value: values.count == 1 ? values[0] : LocatedValue(.list(values), at: mark)))
    }
  }

  var name: LocatedValue
  var nodes: [Node] = []
  var outputs: [String] = []
  let source: SourceText

  init(name: LocatedValue, source: SourceText) {
    self.name = name
    self.source = source
  }

  /// The keys that fields come from, by the path of the field.
  var keys: [String: String] {
    Dictionary(
      nodes.flatMap { node in
        node.fields.compactMap { field in field.key.map { ("nodes.\(node.name).\(field.name)", $0) } }
      }, uniquingKeysWith: { first, _ in first })
  }

  /// The pipeline as if a file said so.
  var tree: LocatedValue {
    let whole = source.wholeMark
    func key(_ name: String, _ mark: Mark) -> LocatedValue.Key { LocatedValue.Key(text: name, mark: mark) }
    func pair(_ name: String, _ value: LocatedValue) -> LocatedValue.Pair {
      LocatedValue.Pair(key: key(name, whole), value: value)
    }
    let nodes = nodes.map { node in
      LocatedValue.Pair(key: key(node.name, node.mark), value: node.tree)
    }
    var pairs = [pair("pipeline", name.escaped), pair("nodes", LocatedValue(.map(nodes), at: whole))]
    if !outputs.isEmpty {
      pairs.append(pair("outputs", LocatedValue(.list(outputs.map { LocatedValue(scalar: $0, at: whole) }), at: whole)))
    }
    return LocatedValue(.map(pairs), at: whole)
  }
}

extension Sketch.Node {
  fileprivate var tree: LocatedValue {
    var tree = LocatedValue(.map([]), at: mark)
    Self.insert(LocatedValue(scalar: type, at: mark), ["type"], into: &tree)
    for field in fields {
      Self.insert(field.value.escaped, field.name.split(separator: ".").map(String.init)[...], into: &tree)
    }
    return tree
  }

  private static func insert(_ value: LocatedValue, _ path: ArraySlice<String>, into tree: inout LocatedValue) {
    guard let name = path.first else {
      tree = value
      return
    }
    var pairs = tree.pairs
    let index = pairs.firstIndex { $0.key.text == name } ?? pairs.count
    if index == pairs.count {
      pairs.append(
        LocatedValue.Pair(
          key: LocatedValue.Key(text: name, mark: value.mark), value: LocatedValue(.map([]), at: value.mark)))
    }
    insert(value, path.dropFirst(), into: &pairs[index].value)
    tree = LocatedValue(.map(pairs), at: tree.mark)
  }
}

extension LocatedValue {
  /// The value with what a pipeline file would take for a param written so that it is text.
  var escaped: LocatedValue {
    var value = self
    switch content {
    case .scalar(var scalar):
      guard scalar.text.contains("${") else { return self }
      scalar.text = scalar.text.split(separator: "${", omittingEmptySubsequences: false).joined(separator: "$${")
      value.content = .scalar(scalar)
    case .list(let items): value.content = .list(items.map(\.escaped))
    case .map(let pairs): value.content = .map(pairs.map { Pair(key: $0.key, value: $0.value.escaped) })
    }
    return value
  }
}
