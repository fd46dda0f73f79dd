import Diagnostics

/// A pipeline file that was found right in everything: nodes in the order of their work, wired and with keys.
package struct ResolvedPipeline: Sendable {
  package struct Parameter: Sendable, Hashable {
    package var name: String
    /// As it would be written in the file.
    package var value: String
  }

  package var name: String
  /// The file as messages name it.
  package var file: String
  package var parameters: [Parameter]
  /// The nodes that the outputs need, producers before consumers, ties by name.
  package var nodes: [ResolvedNode]
  package var outputs: [OutputReference]
  /// Nodes that no output needs; they are not run.
  package var unusedNodes: [String]
  /// The caches that the file names; they decide nothing about the work.
  package var caches: [LocatedCache]
  package var warnings: [Diagnostic]
  /// The whole file as it holds after all overrides, as YAML of its own.
  package var text = ""
  /// The nodes that the name of a group means.
  package var groups: [String: [String]] = [:]

  package func node(_ name: String) -> ResolvedNode? { nodes.first { $0.name == name } }
}

/// An output port of a node.
package struct OutputReference: Sendable, Hashable {
  package var node: String
  package var port: String

  package init(node: String, port: String) {
    self.node = node
    self.port = port
  }

  /// The node and the output that `NODE` or `NODE.OUTPUT` names; members of a matrix may have points in their names.
  static func parts(of text: String, isNode: (String) -> Bool) -> (node: String, output: String?) {
    if isNode(text) { return (text, nil) }
    if text.contains("@"), let point = text.lastIndex(of: ".") {
      return (String(text[..<point]), String(text[text.index(after: point)...]))
    }
    let parts = text.split(separator: ".", maxSplits: 1, omittingEmptySubsequences: false).map(String.init)
    return (parts.first ?? text, parts.count > 1 ? parts[1] : nil)
  }
}
