import Diagnostics

/// What is wrong with how nodes hang together.
extension LanguageProblem {
  var graphWords: Words? {
    switch self {
    case .portNotNode(let port, let found):
      Words(
        "bad-reference", "\(found.capitalizedFirst) stands here", why: "input `\(port)` takes the name of a node",
        try: "`NODE` or `NODE.OUTPUT`")
    case .severalNodes(let port): Words("bad-reference", "A list stands here", why: "input `\(port)` takes one node")
    case .portNotMap(let port, let found):
      Words(
        "bad-reference", "\(found.capitalizedFirst) stands here", why: "input `\(port)` takes nodes under names",
        try: "`\(port): {NAME: NODE}`")
    case .emptyList(let port):
      Words("bad-reference", "The list is empty", why: "input `\(port)` takes at least one node")
    case .unknownNode(let name, let names):
      Words("unknown-node", "Unknown node `\(name)`", try: Self.nearest(name, names, others: "Nodes"))
    case .ownOutput(let node): Words("own-output", "Node `\(node)` takes its own output")
    case .unknownOutput(let output, let node, let names):
      Words(
        "unknown-output", "Node `\(node)` has no output `\(output)`",
        try: Self.nearest(output, names, others: "Its outputs"))
    case .severalOutputs(let node, let outputs):
      Words(
        "which-output", "Node `\(node)` has several outputs",
        try: "One of \(Self.list(outputs.map { "\(node).\($0)" }))")
    case .noOutputs(let node, let type):
      Words("no-output", "Node `\(node)` gives nothing", why: "node type `\(type)` has no outputs")
    case .cycle(let nodes):
      Words(
        "cycle", "Nodes wait for each other: \(nodes.map { "`\($0)`" }.joined(separator: " → "))",
        why: "each takes an output of the one before it")
    case .portType(let port, let node, let takes, let producer, let output, let gives, let fitting):
      Words(
        "port-type", "Input `\(port)` of node `\(node)` takes \(Self.either(takes)), not `\(gives)`",
        why: "node `\(producer)` gives `\(gives)` at its output `\(output)`",
        try: fitting.isEmpty ? nil : fitting.count == 1 ? "`\(fitting[0])`" : "One of \(Self.list(fitting))")
    case .conflict(let conflict, let node, let producers):
      Words(
        "conflict", conflict.summary,
        why: producers.isEmpty
          ? conflict.reason
          : "node `\(node)` takes \(producers.joined(separator: ", "))" + (conflict.reason.map { "; \($0)" } ?? ""),
        try: conflict.advice)
    case .sharedPlace(let place, let other, let isSame):
      Words(
        "shared-folder",
        isSame
          ? "Two nodes put their files into one folder, `\(place)`"
            + (place == other ? "" : ", which is `\(other)` too")
          : "Two nodes put their files into folders of which one lies in the other: `\(other)` and `\(place)`",
        why: "each would replace or remove files of the other's", try: "Give each a folder of its own")
    case .placeOfSource(let place, let source, let node):
      Words(
        "folder-of-source", "The folder `\(place)` holds what the pipeline reads",
        why: "node `\(node)` reads `\(source)`, which would be replaced, or read otherwise by the next run",
        try: "Name a folder of its own")
    case .noOutputsListed:
      Words("no-outputs", "`outputs` is empty", try: "Name the nodes whose results are wanted, or leave `outputs` out")
    case .unusedNode(let node):
      Words(
        "unused-node", "Node `\(node)` is not run", why: "nothing in `outputs` needs it",
        try: "Add it to `outputs`, or remove it"
      ).asWarning()
    default: nil
    }
  }
}
