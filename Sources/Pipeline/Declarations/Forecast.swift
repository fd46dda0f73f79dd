/// What a node's work is expected to take by the arithmetic of its type, before it ever ran.
package struct Forecast: Sendable, Hashable {
  /// Another setting of a field, and what the work would take with it.
  package struct Alternative: Sendable, Hashable {
    /// As it would be written in the file, such as `recompute: block`.
    package var setting: String
    /// The most memory, in bytes.
    package var memory: Int

    package init(setting: String, memory: Int) {
      self.setting = setting
      self.memory = memory
    }
  }

  /// What some of the memory is for.
  package struct Part: Sendable, Hashable {
    package var name: String
    /// In bytes.
    package var memory: Int

    package init(_ name: String, memory: Int) {
      self.name = name
      self.memory = memory
    }
  }

  /// In the order in which they are told.
  package var parts: [Part]
  package var alternatives: [Alternative]

  package init(parts: [Part], alternatives: [Alternative] = []) {
    self.parts = parts
    self.alternatives = alternatives
  }

  /// The most memory, in bytes.
  package var memory: Int { parts.reduce(0) { $0 + $1.memory } }
}

/// A resolved node with everything that it is made from.
package struct Ancestry: Sendable {
  package let node: ResolvedNode
  private let nodes: [String: ResolvedNode]

  /// - Parameter nodes: All that the node is made from, by name.
  package init(_ node: ResolvedNode, among nodes: [String: ResolvedNode]) {
    self.node = node
    self.nodes = nodes
  }

  /// The node at an input port that takes one; nil when nothing is connected.
  package subscript(port: String) -> Ancestry? {
    binding(port).flatMap { nodes[$0.node] }.map { Ancestry($0, among: nodes) }
  }

  /// The inferred type of what is connected to a port.
  package func type(at port: String) -> ArtefactType? {
    binding(port).flatMap { nodes[$0.node]?.outputTypes[$0.output] }
  }

  private func binding(_ port: String) -> ResolvedNode.InputBinding? { node.inputs.first { $0.port == port } }
}
