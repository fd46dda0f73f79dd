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
    guard case .object(var base) = type.defaultFields.json else { return [] }
    for field in type.fields where base[field.name]?.isNull == true && field.isRequired {
      base[field.name] = FieldSample.value(field.kind, otherThan: .null)
    }
    var undeclared = Set(properties(of: type.defaultFields.base, prefix: "").keys)
    for leaf in FieldSample.leaves(type.fields, in: base) {
      guard let changed = FieldSample.changes(leaf).first else { continue }
      let before = properties(of: try type.fields(json: .object(leaf.base)).base, prefix: "")
      let after = properties(of: try type.fields(json: .object(changed)).base, prefix: "")
      for (name, value) in after where before[name] != value { undeclared.remove(name) }
    }
    // A group that its members change is declared through them.
    return undeclared.sorted().map { "\(type.name).\($0)" }
  }

  /// Stored properties with their values as text; those of groups instead of the group.
  private static func properties(of value: Any, prefix: String) -> [String: String] {
    var found: [String: String] = [:]
    for child in Mirror(reflecting: value).children {
      guard let label = child.label else { continue }
      // What can hold one value only cannot be forgotten.
      if let choice = child.value as? any FieldChoice, Self.hasOneCase(choice) { continue }
      if child.value is any FieldGroup {
        found.merge(properties(of: child.value, prefix: "\(prefix)\(label).")) { first, _ in first }
      } else {
        found[prefix + label] = String(reflecting: child.value)
      }
    }
    return found
  }

  private static func hasOneCase<Choice: FieldChoice>(_: Choice) -> Bool { Choice.allCases.count == 1 }
}
