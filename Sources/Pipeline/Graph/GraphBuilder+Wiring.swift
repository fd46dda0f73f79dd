import Diagnostics

extension GraphBuilder {
  /// Connects what is written at a node's inputs.
  mutating func connect(_ index: Int) {
    for (port, value) in drafts[index].ports {
      let path = "\(drafts[index].path).\(port.name)"
      var items = [(value: value, path: path)]
      if port.isNamed {
        connect(named: port, value, of: index)
        continue
      }
      if case .list(let values) = value.content {
        if !port.isList || values.isEmpty {
          drafts[index].isBroken = true
          let problem = port.isList ? LanguageProblem.emptyList(port: port.name) : .severalNodes(port: port.name)
          problems.append(problem.diagnostic(at: value.mark, path: path, related: value.origin))
          continue
        }
        items = values.enumerated().map { ($1, "\(path)[\($0)]") }
      }
      for (position, item) in items.enumerated() {
        connect(item.value, item.path, to: port, as: port.name, position, of: index)
      }
    }
    let ports = drafts[index].type?.inputs.map(\.name) ?? []
    func place(_ port: String) -> Int {
      ports.firstIndex { port == $0 || port.hasPrefix($0 + ".") } ?? 0
    }
    drafts[index].references.sort { a, b in
      let (first, second) = (a.binding, b.binding)
      return (place(first.port), first.port, first.index) < (place(second.port), second.port, second.index)
    }
  }

  /// Connects what a port takes under names.
  private mutating func connect(named port: InputPort, _ value: LocatedValue, of index: Int) {
    let path = "\(drafts[index].path).\(port.name)"
    guard case .map(let pairs) = value.content else {
      drafts[index].isBroken = true
      if !value.isBroken {
        problems.append(
          LanguageProblem.portNotMap(port: port.name, found: value.kindWords)
            .diagnostic(at: value.mark, path: path, related: value.origin))
      }
      return
    }
    for pair in pairs {
      let (name, path) = (pair.key.text, "\(path).\(pair.key.text)")
      guard isName(name) else {
        drafts[index].isBroken = true
        problems.append(LanguageProblem.badName(kind: "port", name: name).diagnostic(at: pair.key.mark, path: path))
        continue
      }
      connect(pair.value, path, to: port, as: "\(port.name).\(name)", 0, of: index)
    }
  }

  /// Connects one value, at `position` of a port that takes several, under the name that the port has in the node.
  private mutating func connect(
    _ value: LocatedValue, _ path: String, to port: InputPort, as name: String, _ position: Int, of index: Int
  ) {
    var port = port
    port.name = name
    guard let (node, output) = reference(value, path: path, port: port, from: drafts[index].name) else {
      drafts[index].isBroken = true
      return
    }
    // The producer is known even where its output is not: cycles are still found.
    let binding = ResolvedNode.InputBinding(port: name, index: position, node: node, output: output?.name ?? "")
    let reference = NodeDraft.Reference(binding: binding, value: value, path: path)
    drafts[index].references.append(reference)
    if let output { checkType(port, output, reference, of: index) } else { drafts[index].isBroken = true }
  }

  /// The producer that `NODE` or `NODE.OUTPUT` means: nil when no node can be meant, a nil output when it is unknown.
  ///
  /// A name alone means the node's only output, or the only one that the port takes.
  private mutating func reference(
    _ value: LocatedValue, path: String, port: InputPort, from consumer: String
  ) -> (node: String, output: OutputPort?)? {
    func report(_ problem: LanguageProblem) {
      problems.append(problem.diagnostic(at: value.mark, path: path, related: value.origin))
    }
    if value.isBroken { return nil }
    guard case .scalar(let scalar) = value.content, !value.isNull, !scalar.text.isEmpty else {
      report(.portNotNode(port: port.name, found: value.kindWords))
      return nil
    }
    if let found = meant(by: scalar.text) {
      report(.portNotNode(port: port.name, found: found))
      return nil
    }
    guard let (draft, outputName) = producer(scalar.text) else {
      let name = String(scalar.text.split(separator: ".", maxSplits: 1, omittingEmptySubsequences: false).first ?? "")
      report(.unknownNode(name, among: drafts.map(\.name).filter { $0 != consumer }))
      return nil
    }
    if draft.name == consumer {
      report(.ownOutput(consumer))
      return nil
    }
    guard let type = draft.type, let outputs = draft.outputs else { return (draft.name, nil) }
    if outputs.isEmpty {
      report(.noOutputs(node: draft.name, type: type.name))
    } else if let outputName {
      if let output = outputs.first(where: { $0.name == outputName }) { return (draft.name, output) }
      report(.unknownOutput(outputName, node: draft.name, among: outputs.map(\.name)))
    } else if outputs.count == 1 {
      return (draft.name, outputs[0])
    } else {
      let fitting = outputs.filter { port.takes($0.type) }
      if fitting.count == 1 { return (draft.name, fitting[0]) }
      report(.severalOutputs(node: draft.name, outputs: outputs.map(\.name)))
    }
    return (draft.name, nil)
  }

  /// What a text that is no node's name means all the same, in words.
  private func meant(by text: String) -> String? {
    if text.contains("/") { return "the path `\(text)`" }
    let member = text.split(separator: "@*", omittingEmptySubsequences: false)[0] + "@"
    guard text.contains("@*"), drafts.contains(where: { $0.name.hasPrefix(member) }) else { return nil }
    return "`\(text)` (several nodes)"
  }

  /// The node that a text names, and its output where the text has one.
  func producer(_ text: String) -> (NodeDraft, output: String?)? {
    let (name, output) = OutputReference.parts(of: text) { index(of: $0) != nil }
    return index(of: name).map { (drafts[$0], output) }
  }

  private mutating func checkType(
    _ port: InputPort, _ output: OutputPort, _ reference: NodeDraft.Reference, of index: Int
  ) {
    guard !port.takes(output.type), let producer = self.index(of: reference.binding.node) else { return }
    let consumer = drafts[index].name
    drafts[index].isBroken = true
    let fitting = drafts.filter { $0.name != consumer }.flatMap { draft -> [String] in
      let outputs = draft.outputs ?? []
      return outputs.filter { port.takes($0.type) }.map {
        outputs.count == 1 ? draft.name : "\(draft.name).\($0.name)"
      }
    }
    let problem = LanguageProblem.portType(
      port: port.name, node: consumer, takes: port.types, producer: reference.binding.node, output: output.name,
      gives: output.type, fitting: fitting.count > 8 ? [] : fitting)
    let related = Diagnostic.Related(
      "node `\(reference.binding.node)` is here", at: drafts[producer].key.mark.place)
    problems.append(
      problem.diagnostic(at: reference.value.mark, path: reference.path, related: reference.value.origin + [related]))
  }
}
