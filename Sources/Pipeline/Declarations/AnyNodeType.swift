import Diagnostics
import PreciseJSON

/// A node type, whichever it is.
package struct AnyNodeType: Sendable {
  package let base: any NodeType.Type

  package init(_ type: any NodeType.Type) { base = type }

  package var name: String { base.name }
  package var summary: String { base.summary }
  package var implementationVersion: Int { base.implementationVersion }
  package var inputs: [InputPort] { base.inputs }
  /// Those that are declared; a node's own may hang on its fields.
  package var outputs: [OutputPort] { base.outputs }
  package var parts: [Part] { base.parts }
  package var readsOutside: Bool { base.readsOutside }

  package func outputs(_ fields: AnyFields) -> [OutputPort] { Self.outputs(base, fields) }
  private static func outputs<Node: NodeType>(_: Node.Type, _ fields: AnyFields) -> [OutputPort] {
    fields.of(Node.Fields.self).map(Node.outputs) ?? Node.outputs
  }

  /// The outputs of a node as it is written, whatever is wrong with it.
  package func outputs(written node: LocatedValue) -> [OutputPort] {
    var decoder = FieldDecoder(path: [])
    return outputs(read(node.pairs, &decoder))
  }

  package func execution(_ fields: AnyFields) -> Execution { Self.execution(base, fields) }
  private static func execution<Node: NodeType>(_: Node.Type, _ fields: AnyFields) -> Execution {
    fields.of(Node.Fields.self).map(Node.execution) ?? Node.execution
  }

  package func validity(_ fields: AnyFields) -> Validity { Self.validity(base, fields) }
  private static func validity<Node: NodeType>(_: Node.Type, _ fields: AnyFields) -> Validity {
    fields.of(Node.Fields.self).map(Node.validity) ?? .byKey
  }

  /// The declarations of the fields, in the order of the node type.
  package var fields: [FieldDescription] { Self.fields(base) }
  private static func fields<Node: NodeType>(_: Node.Type) -> [FieldDescription] {
    Node.Fields.fields.map(\.description)
  }

  /// The settings of every node that have an effect on nodes of this type.
  package var settings: [FieldDescription] {
    NodeSettings.fields.filter { readsOutside || $0.name != NodeSettings.freshness }.map(\.description)
  }

  /// Fields with every default, required ones absent.
  package var defaultFields: AnyFields { Self.defaults(base) }
  private static func defaults<Node: NodeType>(_: Node.Type) -> AnyFields { AnyFields(Node.Fields()) }

  /// Reads fields that ``AnyFields/json`` wrote.
  ///
  /// - Throws: ``FieldTransportError``.
  package func fields(json: JSON, written: Set<String> = []) throws -> AnyFields {
    try Self.fields(base, json, written)
  }
  private static func fields<Node: NodeType>(_: Node.Type, _ json: JSON, _ written: Set<String>) throws -> AnyFields {
    AnyFields(try AnyFields.read(Node.Fields.self, json: json), written: written)
  }

  package func sources(_ fields: AnyFields) throws -> [SourceRequest] { try Self.sources(base, fields) }
  private static func sources<Node: NodeType>(_: Node.Type, _ fields: AnyFields) throws -> [SourceRequest] {
    try Node.sources(try own(fields, Node.self), PathReader())
  }

  package func inspection(_ fields: AnyFields, _ sources: NodeSources) throws -> Inspection? {
    try Self.inspection(base, fields, sources)
  }
  private static func inspection<Node: NodeType>(
    _: Node.Type, _ fields: AnyFields, _ sources: NodeSources
  ) throws -> Inspection? {
    try Node.inspection(try own(fields, Node.self), sources)
  }

  package func infer(_ fields: AnyFields, _ inputs: InputTypes) throws -> Inference {
    try Self.infer(base, fields, inputs)
  }
  private static func infer<Node: NodeType>(_: Node.Type, _ fields: AnyFields, _ inputs: InputTypes) throws -> Inference
  {
    Node.infer(try own(fields, Node.self), inputs)
  }

  package func forecast(_ ancestry: Ancestry) -> Forecast? { Self.forecast(base, ancestry) }
  private static func forecast<Node: NodeType>(_: Node.Type, _ ancestry: Ancestry) -> Forecast? {
    ancestry.node.fields.of(Node.Fields.self).flatMap { Node.forecast($0, ancestry) }
  }

  /// Does the node's work.
  package func run(_ fields: AnyFields, in context: NodeContext) throws { try Self.run(base, fields, context) }
  private static func run<Node: NodeType>(_: Node.Type, _ fields: AnyFields, _ context: NodeContext) throws {
    try Node.run(try own(fields, Node.self), in: context)
  }

  private static func own<Node: NodeType>(_ fields: AnyFields, _: Node.Type) throws -> Node.Fields {
    guard let own = fields.of(Node.Fields.self) else {
      throw FieldTransportError(wanted: "fields of `\(Node.name)`", found: "\(type(of: fields.base))")
    }
    return own
  }

  /// Reads a node's fields from the pairs of its map that are fields; problems go to the decoder.
  func read(_ pairs: [LocatedValue.Pair], _ decoder: inout FieldDecoder) -> AnyFields {
    Self.read(base, pairs, &decoder)
  }
  private static func read<Node: NodeType>(
    _: Node.Type, _ pairs: [LocatedValue.Pair], _ decoder: inout FieldDecoder
  ) -> AnyFields {
    var fields = Node.Fields()
    decoder.read(pairs, into: &fields)
    return AnyFields(fields, written: decoder.written)
  }
}
