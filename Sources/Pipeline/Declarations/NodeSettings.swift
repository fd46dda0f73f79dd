/// What every node may have beside its type's own fields; never part of a key.
package struct NodeSettings: FieldSet, Hashable {
  package var timeout: Seconds?
  package var retries = 0
  package var memory: ByteCount?
  package var freshFor: Seconds?

  package init() {}

  package static let fields: [Field<NodeSettings>] = [
    Field("timeout", \.timeout, role: .none, doc: "Longest time the node may take before it counts as failed"),
    Field("retries", \.retries, in: 0...100, role: .none, doc: "How often a failed node is tried again"),
    Field("memory", \.memory, role: .none, doc: "Memory set aside for the node when nodes run side by side"),
    Field(
      freshness, \.freshFor, role: .none,
      doc: "How long a result stays good, for types that read the world outside (`exec`): an older one is made anew"),
  ]

  /// The setting that types have alone that read the world outside.
  static let freshness = "fresh_for"
}
