import Diagnostics

/// A target that names nothing in the pipeline.
package struct UnknownTarget: Error, Sendable {
  package var target: String
  package var nodes: [String]

  package init(target: String, nodes: [String]) {
    self.target = target
    self.nodes = nodes
  }
}

extension UnknownTarget: DiagnosticError {
  package var diagnostics: [Diagnostic] {
    [
      Diagnostic(
        code: "unknown-target", "There is no node `\(target)` to run",
        reason: "the nodes are [\(nodes.joined(separator: ", "))]",
        advice: nearestName(to: target, among: nodes).map { "`\($0)`" })
    ]
  }
}

extension ResolvedPipeline {
  /// The names of the nodes that are wanted: the targets, else what the pipeline lists as outputs, else every node.
  ///
  /// A target is the name of a node, or `node.port`. Throws ``UnknownTarget``.
  package func wanted(_ targets: [String]) throws -> [String] {
    let names = nodes.map(\.name)
    if !targets.isEmpty {
      return try targets.map { target in
        let node = target.split(separator: ".", maxSplits: 1).first.map(String.init) ?? target
        guard names.contains(node) else { throw UnknownTarget(target: target, nodes: names) }
        return node
      }
    }
    return outputs.isEmpty ? names : outputs.map(\.node)
  }

  /// The wanted nodes and everything they are made from, in the pipeline's topological order.
  package func needed(_ targets: [String]) throws -> [ResolvedNode] {
    var needed = Set(try wanted(targets))
    for node in nodes.reversed() where needed.contains(node.name) {
      for binding in node.inputs { needed.insert(binding.node) }
    }
    return nodes.filter { needed.contains($0.name) }
  }
}
