/// The node types that a pipeline file may use.
package struct NodeRegistry: Sendable {
  /// In the order of the application's list, which is the order of the reference page.
  package let types: [AnyNodeType]

  /// - Parameter types: With distinct names, and declarations in which ``problems(of:)`` finds nothing.
  package init(_ types: [any NodeType.Type]) {
    self.types = types.map(AnyNodeType.init)
    let problems = self.types.flatMap(DeclarationProblems.of)
    precondition(problems.isEmpty, problems.joined(separator: "; "))
    precondition(Set(names).count == types.count, "Two node types have one name")
  }

  /// What is wrong with a node type's declarations: names that mean two things at once, conditions that cannot be told.
  package static func problems(of type: any NodeType.Type) -> [String] { DeclarationProblems.of(AnyNodeType(type)) }

  package subscript(name: String) -> AnyNodeType? { types.first { $0.name == name } }
  package var names: [String] { types.map(\.name) }
}
