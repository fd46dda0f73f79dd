/// A kind of part of a node's work that has a key of its own, so that it is published by itself and made once: one record
/// group of a dataset, say.
///
/// What is in a part's key does not depend on anybody's memory: every `result` field of the node is, unless the
/// declaration names it as harmless. What a part reads besides fields (blobs, artefacts, sources) is named by digest where it
/// is made; see ``NodeContext/memo(_:reads:type:produce:)``.
package struct Part: Sendable, Hashable {
  private enum Identity: Sendable, Hashable {
    case work(ignoring: Set<String>)
    case recipe
  }

  /// What the part is, such as `group`; for a recipe its name and version, such as `reference-scores/1`.
  package let name: String
  private let identity: Identity

  /// A part of one node type's work: keyed by the type, its implementation version and all of its `result` fields.
  ///
  /// - Parameter ignored: Names of fields that provably decide nothing about a part, though they decide the node's result.
  package static func work(_ name: String, ignoring ignored: Set<String> = []) -> Part {
    Part(name: name, identity: .work(ignoring: ignored))
  }

  /// A part that follows from what it reads alone, whichever node type asks for it: no field and no implementation version
  /// is in its key.
  ///
  /// - Parameter version: Raised whenever the same reads would give other bytes than before.
  package static func recipe(_ name: String, version: Int) -> Part {
    Part(name: "\(name)/\(version)", identity: .recipe)
  }

  /// Names of fields that are left out of the key.
  package var ignoredFields: Set<String> { if case .work(let ignored) = identity { ignored } else { [] } }

  /// Whether it is one node type's own.
  package var isWork: Bool { if case .work = identity { true } else { false } }

  /// What decides the key of one part.
  ///
  /// - Parameter reads: What it reads, by distinct names.
  package func preimage(
    of type: AnyNodeType, _ fields: AnyFields, reads: [(name: String, value: CanonicalValue)]
  ) -> KeyPreimage {
    var entries = reads.map { KeyPreimage.Entry("reads.\($0.name)", $0.value) }
    switch identity {
    case .recipe: entries.append(KeyPreimage.Entry("recipe", .text(name)))
    case .work(let ignored):
      entries += [
        KeyPreimage.Entry("type", .text(type.name)),
        KeyPreimage.Entry("implementation", .integer(type.implementationVersion)),
        KeyPreimage.Entry("part", .text(name)),
      ]
      entries += fields.keyEntries.filter { entry in
        let field = entry.label.split(separator: ".").dropFirst().first
        return !ignored.contains(field.map(String.init) ?? "")
      }
    }
    return KeyPreimage(.part, entries)
  }
}
