import Pipeline
import PreciseJSON

/// Checks that every stored property of a node type's fields has a declaration.
package enum DeclarationCoverage {
  /// The stored properties that no declared field changes, as `type.property`; empty when all is right.
  package static func undeclared(_ registry: NodeRegistry) throws -> [String] {
    try registry.types.flatMap(undeclared)
  }

  /// As ``undeclared(_:)-(NodeRegistry)``, for one node type.
  package static func undeclared(_ type: AnyNodeType) throws -> [String] {
    var known = Set(properties(of: type.defaultFields.base, prefix: "").keys)
    var declared: Set<String> = []
    for leaf in FieldSample.leaves(of: type) {
      guard let changed = FieldSample.changes(leaf).first else { continue }
      let before = properties(of: try type.fields(json: .object(leaf.base)).base, prefix: "")
      let after = properties(of: try type.fields(json: .object(changed)).base, prefix: "")
      known.formUnion(before.keys)
      for (name, value) in after where before[name].map({ $0 != value }) == true { declared.insert(name) }
    }
    // A group that its members change is declared through them.
    // A group that is away has no members yet, but where it is there.
    known = known.filter { name in !declared.contains { $0.hasPrefix(name + ".") } }
    return known.subtracting(declared).sorted().map { "\(type.name).\($0)" }
  }

  /// Stored properties with their values as text; those of groups instead of the group.
  private static func properties(of value: Any, prefix: String) -> [String: String] {
    var found: [String: String] = [:]
    for child in Mirror(reflecting: value).children {
      guard let label = child.label else { continue }
      // What can hold one value only cannot be forgotten.
      if let choice = child.value as? any FieldChoice, Self.hasOneCase(choice) { continue }
      if child.value is any FieldSet {
        found.merge(properties(of: child.value, prefix: "\(prefix)\(label).")) { first, _ in first }
      } else if let sets = child.value as? [String: any FieldSet] {
        for (key, set) in sets {
          found.merge(properties(of: set, prefix: "\(prefix)\(label)[\(key)].")) { first, _ in first }
        }
      } else if let sets = child.value as? [any FieldSet], !sets.isEmpty {
        found[prefix + label] = "\(sets.count)"
        for (index, set) in sets.enumerated() {
          found.merge(properties(of: set, prefix: "\(prefix)\(label)[\(index)].")) { first, _ in first }
        }
      } else {
        found[prefix + label] = String(reflecting: child.value)
      }
    }
    return found
  }

  private static func hasOneCase<Choice: FieldChoice>(_: Choice) -> Bool { Choice.allCases.count == 1 }
}
