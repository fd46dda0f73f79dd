import PreciseJSON

/// A node of a matrix: which node of the file it is, and with which values of params.
package struct MatrixMember: Sendable, Hashable {
  /// The node as the file names it.
  package var node: String
  package var values: [ResolvedPipeline.Parameter]

  init(node: String, values: [ResolvedPipeline.Parameter]) {
    self.node = node
    self.values = values
  }

  /// As records have it; nil for anything else.
  init?(_ json: JSON) {
    guard let node = json["node"]?.string, let members = json["params"]?.object?.members else { return nil }
    self.node = node
    values = members.map { ResolvedPipeline.Parameter(name: $0.key, value: $0.value.string ?? "") }
  }

  var json: JSON { ["node": JSON(node), "params": JSON(values.map { (key: $0.name, value: JSON($0.value)) })] }
}
