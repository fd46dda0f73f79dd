import Diagnostics

/// A target that names nothing in the pipeline.
package struct UnknownTarget: Error, Sendable {
  package var target: String
  package var nodes: [String]
  /// The outputs of the node that the target names, where it is its output that is unknown.
  package var outputs: [String]?

  package init(target: String, nodes: [String], outputs: [String]? = nil) {
    self.target = target
    self.nodes = nodes
    self.outputs = outputs
  }
}

extension UnknownTarget: DiagnosticError {
  package var diagnostics: [Diagnostic] {
    if let outputs {
      let parts = target.split(separator: ".", maxSplits: 1, omittingEmptySubsequences: false).map(String.init)
      let (node, output) = (parts.first ?? target, parts.last ?? "")
      return [
        Diagnostic(
          code: "unknown-target", "Node `\(node)` has no output `\(output)`",
          reason: outputs.isEmpty ? "it has no outputs" : "its outputs are [\(outputs.joined(separator: ", "))]",
          advice: nearestName(to: output, among: outputs).map { "`\(node).\($0)`" } ?? "`\(node)` runs the node")
      ]
    }
    return [
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
  /// A target is the name of a node, of one that is several in a matrix, of a group, or `node.port`. Throws `DiagnosticList` with every one that there is not.
  package func wanted(_ targets: [String]) throws -> [String] {
    let names = nodes.map(\.name)
    guard !targets.isEmpty else { return outputs.isEmpty ? names : outputs.map(\.node) }
    var wanted: [String] = []
    var unknown: [UnknownTarget] = []
    for target in targets {
      let (name, output) = OutputReference.parts(of: target) { node($0) != nil }
      let meant = groups[name] ?? [name]
      let found = nodes.filter { $0.name == name || meant.contains($0.member?.node ?? $0.name) }
      guard let first = found.first else {
        unknown.append(UnknownTarget(target: target, nodes: names))
        continue
      }
      if let output, !first.outputs.contains(where: { $0.name == output }) {
        unknown.append(UnknownTarget(target: target, nodes: names, outputs: first.outputs.map(\.name)))
      }
      wanted += found.map(\.name)
    }
    guard unknown.isEmpty else { throw DiagnosticList(unknown.flatMap(\.diagnostics)) }
    return wanted
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
