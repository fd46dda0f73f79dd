import Diagnostics

/// Makes the resolved graph of a document, and finds everything that is wrong with it.
///
/// What follows from a problem that is already reported is not reported again: a node with a wrong field is still
/// wired, but nothing is inferred from it.
struct GraphBuilder {
  let document: PipelineDocument
  let registry: NodeRegistry
  var problems: [Diagnostic]
  var drafts: [NodeDraft]
  private(set) var order: [Int] = []
  private let positions: [String: Int]

  init(_ document: PipelineDocument, registry: NodeRegistry) {
    self.document = document
    self.registry = registry
    problems = document.problems
    drafts = document.nodes.map(NodeDraft.init)
    positions = Dictionary(drafts.enumerated().map { ($1.name, $0) }, uniquingKeysWith: { first, _ in first })
  }

  func index(of node: String) -> Int? { positions[node] }

  /// Gives the pipeline with its warnings.
  ///
  /// - Throws: `DiagnosticList` with all errors; warnings may only follow from them.
  mutating func resolve(sources: any SourceDigester) throws -> ResolvedPipeline {
    for index in drafts.indices { problems += drafts[index].read(registry: registry) }
    for index in drafts.indices { connect(index) }
    let outputs = resolveOutputs()
    sortNodes()
    var inspector = Inspector(sources)
    for index in order { check(index, sources, &inspector) }
    let needed = neededNodes(outputs)
    checkPlaces(needed: needed)
    problems = oncePerMatrix(problems)
    if problems.hasErrors { throw DiagnosticList(sorted(problems.filter { $0.severity == .error })) }

    for draft in drafts where !needed.contains(draft.name) {
      problems.append(draft.problem(.unusedNode(draft.name), at: draft.key.mark))
    }
    let nodes = digest(needed: needed, sources)
    problems = oncePerMatrix(problems)
    if problems.hasErrors { throw DiagnosticList(sorted(problems.filter { $0.severity == .error })) }
    inspector.remember(needed: needed)
    return ResolvedPipeline(
      name: document.name, file: document.source.file,
      parameters: document.params.map { ResolvedPipeline.Parameter(name: $0.key.text, value: $0.value.text) },
      nodes: nodes, outputs: outputs, unusedNodes: drafts.map(\.name).filter { !needed.contains($0) },
      caches: document.caches, warnings: sorted(problems))
  }

  /// What is wrong with several members of a node in the same place, told once.
  private func oncePerMatrix(_ problems: [Diagnostic]) -> [Diagnostic] {
    guard !document.members.isEmpty else { return problems }
    var places: [String: Int] = [:]
    var told: [(problem: Diagnostic, count: Int)] = []
    for problem in problems {
      let node = problem.path.map { $0.prefix { $0 != "@" } } ?? ""
      let key = "\(problem.code) \(problem.place?.line ?? 0) \(problem.place?.column ?? 0) \(node)"
      guard problem.path?.contains("@") == true, let place = places[key] else {
        places[key] = told.count
        told.append((problem, 1))
        continue
      }
      told[place].count += 1
    }
    return told.map { problem, count in
      var problem = problem
      if count > 1 {
        let members = "so in \(count) members of the matrix"
        problem.reason = problem.reason.map { "\($0); \(members)" } ?? members
      }
      return problem
    }
  }

  /// In the order of the file; what stands elsewhere comes after.
  private func sorted(_ problems: [Diagnostic]) -> [Diagnostic] {
    func rank(_ diagnostic: Diagnostic) -> (Int, Int, Int) {
      let isHere = diagnostic.place.map { $0.file == document.source.file } ?? true
      return (isHere ? 0 : 1, diagnostic.place?.line ?? 0, diagnostic.place?.column ?? 0)
    }
    return problems.enumerated().sorted { a, b in
      let (first, second) = (rank(a.element), rank(b.element))
      return first == second ? a.offset < b.offset : first < second
    }.map(\.element)
  }

  // MARK: Outputs

  private mutating func resolveOutputs() -> [OutputReference] {
    guard let written = document.outputs else {
      let used = Set(drafts.flatMap { $0.references.map(\.binding.node) })
      return drafts.filter { !used.contains($0.name) }.flatMap(allOutputs)
    }
    var outputs: [OutputReference] = []
    var known: Set<OutputReference> = []
    for (position, value) in written.enumerated() where !value.isBroken {
      func report(_ problem: LanguageProblem) {
        problems.append(problem.diagnostic(at: value.mark, path: "outputs[\(position)]", related: value.origin))
      }
      guard case .scalar(let scalar) = value.content, !value.isNull else {
        report(.topLevelKind("outputs[\(position)]", wanted: "the name of a node", found: value.kindWords))
        continue
      }
      guard let (draft, port) = producer(scalar.text) else {
        let name = String(scalar.text.split(separator: ".", maxSplits: 1).first ?? "")
        report(.unknownNode(name, among: drafts.map(\.name)))
        continue
      }
      guard let own = draft.outputs?.map(\.name) else { continue }
      let names = port.map { [$0] } ?? own
      if let unknown = names.first(where: { !own.contains($0) }) {
        report(.unknownOutput(unknown, node: draft.name, among: own))
      }
      for name in names where known.insert(OutputReference(node: draft.name, port: name)).inserted {
        outputs.append(OutputReference(node: draft.name, port: name))
      }
      if names.isEmpty { outputs.append(OutputReference(node: draft.name, port: "")) }
    }
    return outputs
  }

  private func allOutputs(_ draft: NodeDraft) -> [OutputReference] {
    let names = draft.outputs?.map(\.name) ?? []
    // A node that gives nothing is run for what it does.
    return (names.isEmpty ? [""] : names).map { OutputReference(node: draft.name, port: $0) }
  }

  private func neededNodes(_ outputs: [OutputReference]) -> Set<String> {
    var needed: Set<String> = []
    var waiting = outputs.map(\.node)
    while let name = waiting.popLast() {
      guard needed.insert(name).inserted, let index = index(of: name) else { continue }
      waiting += drafts[index].references.map(\.binding.node)
    }
    return needed
  }

  // MARK: Order

  /// Puts producers before consumers, ties by name, and reports cycles.
  private mutating func sortNodes() {
    let names = drafts.map(\.name)
    let byName = names.indices.sorted { names[$0].utf8.lexicographicallyPrecedes(names[$1].utf8) }
    var rank = [Int](repeating: 0, count: names.count)
    for (place, node) in byName.enumerated() { rank[node] = place }
    let producers = drafts.map { Set($0.references.compactMap { index(of: $0.binding.node) }) }
    var consumers = [[Int]](repeating: [], count: names.count)
    for (node, list) in producers.enumerated() { for producer in list { consumers[producer].append(node) } }

    var missing = producers.map(\.count)
    var ready = Heap<Int>()
    for node in byName where missing[node] == 0 { ready.insert(rank[node]) }
    while let place = ready.popMin() {
      order.append(byName[place])
      for consumer in consumers[byName[place]] {
        missing[consumer] -= 1
        if missing[consumer] == 0 { ready.insert(rank[consumer]) }
      }
    }
    // What is left waits for a cycle or is in one: walking up from anywhere ends in a cycle.
    var seen: Set<Int> = []
    for start in byName where missing[start] > 0 && !seen.contains(start) {
      var walk: [Int] = []
      var at = start
      while seen.insert(at).inserted {
        walk.append(at)
        let next = producers[at].filter { missing[$0] > 0 }.min { rank[$0] < rank[$1] }
        guard let next else { break }
        at = next
      }
      if let first = walk.firstIndex(of: at), producers[walk[walk.count - 1]].contains(at) {
        reportCycle(Array(walk[first...].reversed()))
      }
    }
  }

  /// Reports nodes that each take an output of the one before, and the first of the last.
  private mutating func reportCycle(_ nodes: [Int]) {
    let names = nodes.map { drafts[$0].name }
    let smallest = names.indices.min { names[$0].utf8.lexicographicallyPrecedes(names[$1].utf8) } ?? 0
    let turned = Array(names[smallest...] + names[..<smallest])
    guard let first = index(of: turned[0]) else { return }
    let reference = drafts[first].references.first { $0.binding.node == turned[turned.count - 1] }
    problems.append(
      LanguageProblem.cycle(turned + [turned[0]]).diagnostic(
        at: reference?.value.mark ?? drafts[first].key.mark, path: reference?.path ?? drafts[first].path))
  }
}
