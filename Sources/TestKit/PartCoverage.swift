import Pipeline
import PreciseJSON

/// Checks that every field that decides a node's result moves the keys of the node's parts too, unless the part says that it
/// is harmless.
package enum PartCoverage {
  /// What is wrong, in a sentence each; empty when all is right.
  package static func problems(_ registry: NodeRegistry) throws -> [String] {
    try registry.types.flatMap(problems)
  }

  /// As ``problems(_:)-(NodeRegistry)``, for one node type.
  package static func problems(_ type: AnyNodeType) throws -> [String] {
    var problems: [String] = []
    if Set(type.parts.map(\.name)).count < type.parts.count { problems.append("`\(type.name)` has parts of one name") }
    for part in type.parts {
      let unknown = part.ignoredFields.filter { name in !type.fields.contains { $0.name == name && $0.role == .result }
      }
      problems += unknown.sorted().map { "part `\(part.name)` of `\(type.name)` ignores `\($0)`, which is in no key" }
      for leaf in FieldSample.leaves(of: type) where !leaf.field.kind.hasOneValue {
        let before = part.preimage(of: type, try type.fields(json: .object(leaf.base)), reads: []).key
        let moves = try FieldSample.changes(leaf).contains { changed in
          part.preimage(of: type, try type.fields(json: .object(changed)), reads: []).key != before
        }
        let decides = leaf.role == .result && !leaf.field.kind.isPath
        let wanted = decides && part.isWork && !part.ignoredFields.contains(leaf.path.first ?? "")
        guard moves != wanted else { continue }
        problems.append(
          "`\(type.name).\(leaf.path.joined(separator: "."))` \(moves ? "moves" : "keeps") the key of part `\(part.name)`"
        )
      }
    }
    return problems
  }
}
