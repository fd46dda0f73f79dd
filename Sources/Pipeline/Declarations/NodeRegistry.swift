/// The node types that a pipeline file may use.
package struct NodeRegistry: Sendable {
  /// In the order of the application's list, which is the order of the reference page.
  package let types: [AnyNodeType]

  /// - Parameter types: With distinct names, and no field or port named as a setting every node has.
  package init(_ types: [any NodeType.Type]) {
    self.types = types.map(AnyNodeType.init)
    for type in self.types {
      let names = type.fieldNames + type.inputs.map(\.name) + NodeSettings.fields.map(\.name) + ["type"]
      precondition(Set(names).count == names.count, "Node type `\(type.name)` uses one name twice")
    }
    precondition(Set(names).count == types.count, "Two node types have one name")
  }

  package subscript(name: String) -> AnyNodeType? { types.first { $0.name == name } }
  package var names: [String] { types.map(\.name) }
}
