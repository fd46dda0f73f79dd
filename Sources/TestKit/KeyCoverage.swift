import Pipeline
import PreciseJSON

/// Checks that every field of node types enters the key if and only if it decides the result.
///
/// Each field is changed to another value that its declared kind allows, fields of groups too, and the key before and
/// after compared. Paths are left out: their text must never be in a key, their content enters through `sources`.
package enum KeyCoverage {
  /// What is wrong, in a sentence each; empty when all is right.
  package static func problems(_ registry: NodeRegistry) throws -> [String] {
    try registry.types.flatMap(problems)
  }

  /// As ``problems(_:)-(NodeRegistry)``, for one node type.
  package static func problems(_ type: AnyNodeType) throws -> [String] {
    var problems: [String] = []
    for leaf in FieldSample.leaves(of: type) where !leaf.field.kind.hasOneValue {
      let name = "`\(type.name).\(leaf.path.joined(separator: "."))`"
      let before = try type.fields(json: .object(leaf.base))
      let changes = try FieldSample.changes(leaf).map { try type.fields(json: .object($0)) }
      guard let after = changes.first else {
        problems.append("\(name) has no second value to try")
        continue
      }
      let isPath = leaf.field.kind.isPath
      // Two names of a choice may mean the same, such as `auto` and what it comes to.
      let differs = changes.contains { key(type, before) != key(type, $0) }
      if differs != (leaf.role == .result && !isPath) {
        problems.append(
          "\(name) is declared `\(leaf.role.rawValue)` but its change \(differs ? "moves" : "keeps") the key")
      }
      if isPath, leaf.role == .result, let first = try? type.sources(before), let second = try? type.sources(after),
        first == second
      {
        problems.append("\(name) decides the result but is not among the node's sources")
      }
    }
    return problems
  }

  private static func key(_ type: AnyNodeType, _ fields: AnyFields) -> Digest {
    KeyPreimage(.plan, [KeyPreimage.Entry("type", .text(type.name))] + fields.keyEntries).key
  }
}
