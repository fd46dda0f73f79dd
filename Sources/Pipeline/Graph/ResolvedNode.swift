import Diagnostics

/// A node with everything decoded, wired and digested.
package struct ResolvedNode: Sendable {
  /// What is connected to an input port.
  package struct InputBinding: Sendable, Hashable {
    package var port: String
    /// The position in the list of a port that takes several; 0 otherwise.
    package var index: Int
    /// The producer and its output port.
    package var node: String
    package var output: String

    package init(port: String, index: Int, node: String, output: String) {
      self.port = port
      self.index = index
      self.node = node
      self.output = output
    }
  }

  /// A file or folder outside the store, with its content's digest.
  package struct ResolvedSource: Sendable, Hashable {
    package var role: String
    /// The position among the sources of the same role.
    package var index: Int
    /// As the user wrote it.
    package var path: String
    package var digest: Digest
    /// In bytes.
    package var size: Int

    package init(role: String, index: Int, path: String, digest: Digest, size: Int) {
      self.role = role
      self.index = index
      self.path = path
      self.digest = digest
      self.size = size
    }
  }

  package var name: String
  package var type: AnyNodeType
  package var fields: AnyFields
  /// In the order of the type's ports, then by index.
  package var inputs: [InputBinding]
  package var sources: [ResolvedSource]
  /// What a program said whose answer is in the key; nil where there is nothing to ask.
  package var answer: String?
  /// The inferred type of every output port.
  package var outputTypes: [String: ArtefactType]
  /// What the node's inspection saw.
  package var seen: [String: Facet]
  package var planPreimage: KeyPreimage
  package var planKey: Digest
  /// Where the node is declared.
  package var place: Place
  package var settings: NodeSettings
  /// Which node of a matrix it is; nil of one that stands there once.
  package var member: MatrixMember?

  package var outputs: [OutputPort] { type.outputs(fields) }
  package var execution: Execution { type.execution(fields) }

  /// The sources as the node's type is handed them.
  package var files: NodeSources { NodeSources(sources) }
}

extension ResolvedNode {
  /// The key under which the node's result is stored, and what decided it; `inputDigest` gives the digest of the
  /// artefact at an input, by port and index.
  package func actionKey(
    _ inputDigest: (_ port: String, _ index: Int) throws -> Digest
  ) rethrows -> (key: Digest, preimage: KeyPreimage) {
    let inputs = try inputs.map { input in
      KeyPreimage.Entry(
        "inputs.\(input.port)[\(input.index)]", .digest(try inputDigest(input.port, input.index)))
    }
    let preimage = KeyPreimage(.action, Self.ownEntries(type, fields, sources, answer) + inputs)
    return (preimage.key, preimage)
  }

  /// The key of the work itself, whatever it is done to: the action key's without the inputs.
  var workKey: Digest { KeyPreimage(.work, Self.ownEntries(type, fields, sources, answer)).key }

  /// The preimage of the plan key: as the action key's, with the plan key and port of each producer for an input.
  static func planPreimage(
    _ type: AnyNodeType, _ fields: AnyFields, _ sources: [ResolvedSource], _ answer: String?,
    _ inputs: [InputBinding], planKey: (String) -> Digest?
  ) -> KeyPreimage {
    let inputs = inputs.map { input in
      KeyPreimage.Entry(
        "inputs.\(input.port)[\(input.index)]",
        .list([planKey(input.node).map { .digest($0) } ?? .absent, .text(input.output)]))
    }
    return KeyPreimage(.plan, ownEntries(type, fields, sources, answer) + inputs)
  }

  private static func ownEntries(
    _ type: AnyNodeType, _ fields: AnyFields, _ sources: [ResolvedSource], _ answer: String?
  ) -> [KeyPreimage.Entry] {
    [
      KeyPreimage.Entry("type", .text(type.name)),
      KeyPreimage.Entry("implementation", .integer(type.implementationVersion)),
    ] + fields.keyEntries
      + sources.map { KeyPreimage.Entry("sources.\($0.role)[\($0.index)]", .digest($0.digest)) }
      + (answer.flatMap { answer in
        type.validity(fields).question.map { [KeyPreimage.Entry($0.label, .text(answer))] }
      } ?? [])
  }
}
