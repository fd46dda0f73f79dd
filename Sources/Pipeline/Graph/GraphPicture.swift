/// A pipeline's graph as something to draw: nodes with their states, and what flows between them.
package struct GraphPicture: Sendable {
  /// How a node stands; decides its colour.
  package enum State: String, Sendable, CaseIterable {
    case cached
    /// Will run.
    case planned
    /// Will run unless what is above it turns out unchanged.
    case possible
    case running
    case ran
    case failed
    case blocked
  }

  struct Node {
    var name: String
    var type: String
    var state: State?
    var isOutput: Bool
  }

  struct Edge {
    var from: Int
    var to: Int
    var output: String
    /// Whether the producer has other outputs.
    var namesOutput: Bool
    var port: String
  }

  let name: String
  let nodes: [Node]
  let edges: [Edge]

  /// The graph of a pipeline; nodes that `states` does not hold are drawn plain.
  package init(_ pipeline: ResolvedPipeline, states: [String: State] = [:]) {
    name = pipeline.name
    let outputs = Set(pipeline.outputs.map(\.node))
    nodes = pipeline.nodes.map { node in
      Node(name: node.name, type: node.type.name, state: states[node.name], isOutput: outputs.contains(node.name))
    }
    let position = Dictionary(uniqueKeysWithValues: pipeline.nodes.enumerated().map { ($1.name, $0) })
    edges = pipeline.nodes.enumerated().flatMap { to, node in
      node.inputs.compactMap { input in
        position[input.node].map { from in
          Edge(
            from: from, to: to, output: input.output, namesOutput: pipeline.nodes[from].outputs.count > 1,
            port: input.port)
        }
      }
    }
  }
}

extension GraphPicture {
  /// The graph of a run, with how its nodes fared.
  package init(_ record: RunRecord) {
    let states = Dictionary(record.nodes.map { ($0.name, $0.state) }) { first, _ in first }
    name = record.pipeline
    nodes = record.graph.map { node in
      Node(
        name: node.name, type: node.type, state: states[node.name].flatMap(State.init), isOutput: node.isOutput)
    }
    let position = Dictionary(record.graph.enumerated().map { ($1.name, $0) }) { first, _ in first }
    let outputs = Dictionary(grouping: record.graph.flatMap(\.inputs), by: \.node).mapValues { Set($0.map(\.output)) }
    edges = record.graph.enumerated().flatMap { to, node in
      node.inputs.compactMap { input in
        position[input.node].map { from in
          Edge(
            from: from, to: to, output: input.output, namesOutput: (outputs[input.node]?.count ?? 0) > 1,
            port: input.port)
        }
      }
    }
  }
}

extension GraphPicture.State {
  /// How a node that a run is done with stands; nil of one whose turn did not come.
  fileprivate init?(_ state: NodeState) {
    switch state {
    case .ran: self = .ran
    case .cached: self = .cached
    case .failed: self = .failed
    case .blocked: self = .blocked
    case .running, .interrupted, .notStarted, .notNeeded: return nil
    }
  }
}

// MARK: Text

extension GraphPicture {
  /// A tree for a terminal: every node that nothing takes, with what it takes below it.
  ///
  /// A node that stands there already is not drawn out again.
  package var text: String {
    var lines: [String] = []
    var drawn: Set<Int> = []
    let taken = Set(edges.map(\.from))
    for root in nodes.indices where !taken.contains(root) {
      lines.append(label(root))
      draw(root, indent: "", &lines, &drawn)
    }
    return lines.joined(separator: "\n")
  }

  private func label(_ index: Int) -> String {
    let node = nodes[index]
    return "\(node.name) (\(node.type))" + (node.state.map { " [\($0.rawValue)]" } ?? "")
  }

  private func draw(_ index: Int, indent: String, _ lines: inout [String], _ drawn: inout Set<Int>) {
    drawn.insert(index)
    let inputs = edges.filter { $0.to == index }
    for (position, edge) in inputs.enumerated() {
      let isLast = position == inputs.count - 1
      let isDrawn = drawn.contains(edge.from) && edges.contains { $0.to == edge.from }
      let output = edge.namesOutput ? ".\(edge.output)" : ""
      let node = nodes[edge.from]
      lines.append(
        "\(indent)\(isLast ? "└─ " : "├─ ")\(edge.port): \(node.name)\(output) (\(node.type))"
          + (node.state.map { " [\($0.rawValue)]" } ?? "") + (isDrawn ? " (see above)" : ""))
      if !isDrawn { draw(edge.from, indent: indent + (isLast ? "   " : "│  "), &lines, &drawn) }
    }
  }
}

// MARK: Graphviz and Mermaid

extension GraphPicture.State {
  /// Fill and line that can be read on light and dark ground.
  var colors: (fill: String, line: String) {
    switch self {
    case .cached: ("#dcebdc", "#4a8a4a")
    case .planned: ("#dce6f5", "#3f6fb5")
    case .possible: ("#eef2f8", "#7f99c0")
    case .running: ("#fdf0c8", "#b58900")
    case .ran: ("#cfe8cf", "#2e7d32")
    case .failed: ("#f8d7d7", "#c62828")
    case .blocked: ("#e6e6e6", "#888888")
    }
  }
}

extension GraphPicture {
  private static let plainColors = (fill: "#f4f4f2", line: "#777777")

  func colors(_ node: Node) -> (fill: String, line: String) { node.state?.colors ?? Self.plainColors }

  private func label(_ edge: Edge) -> String {
    edge.namesOutput && edge.output != edge.port ? "\(edge.output) → \(edge.port)" : edge.port
  }

  /// For Graphviz: `dot -Tsvg`.
  package var dot: String {
    var lines = [
      "digraph \"\(name)\" {", "  rankdir=LR;",
      "  node [shape=box, style=\"rounded,filled\", fontname=\"sans-serif\", fontcolor=\"#222222\"];",
      "  edge [color=\"#888888\", fontname=\"sans-serif\", fontsize=10, fontcolor=\"#777777\"];",
    ]
    for node in nodes {
      let (fill, line) = colors(node)
      lines.append(
        "  \"\(node.name)\" [label=\"\(node.name)\\n\(node.type)\", fillcolor=\"\(fill)\", color=\"\(line)\""
          + (node.isOutput ? ", penwidth=2" : "") + "];")
    }
    for edge in edges {
      lines.append("  \"\(nodes[edge.from].name)\" -> \"\(nodes[edge.to].name)\" [label=\"\(label(edge))\"];")
    }
    return (lines + ["}"]).joined(separator: "\n") + "\n"
  }

  /// For Mermaid, which GitHub draws inside Markdown.
  package var mermaid: String {
    // Names may be words of Mermaid's own, such as `end`; numbers never are.
    var lines = ["flowchart LR"]
    for (index, node) in nodes.enumerated() { lines.append("  n\(index)[\"\(node.name)<br/>\(node.type)\"]") }
    for edge in edges { lines.append("  n\(edge.from) -->|\"\(label(edge))\"| n\(edge.to)") }
    for (index, node) in nodes.enumerated() {
      let (fill, line) = colors(node)
      lines.append(
        "  style n\(index) fill:\(fill),stroke:\(line),color:#222222" + (node.isOutput ? ",stroke-width:2px" : ""))
    }
    return lines.joined(separator: "\n") + "\n"
  }
}
