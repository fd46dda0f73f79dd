/// What a run would do, before it does.
package struct Plan: Sendable {
  package struct Node: Sendable {
    package var name: String
    package var type: String
    package var planKey: Digest
    /// Known when every input is.
    package var actionKey: Digest?
    package var decision: Decision
    /// Another node of the plan that does the very same work; its result serves both.
    package var sameWorkAs: String?
    /// What running it is expected to take; nil without a past run to go by.
    package var expectation: Expectation?
    /// What running it is expected to take by the arithmetic of its type; nil for types that have none.
    package var forecast: Forecast?
    /// How old the result is that counts as cached; nil where results do not go stale.
    package var freshness: Freshness?

    /// Whether it runs for certain: it, or another such node that turns out to do the very same work.
    package var willRun: Bool {
      switch decision {
      case .cached, .fetch: false
      case .run, .runOnceKnown: sameWorkAs == nil
      case .runUnlessUnchanged(_, let hasPast): !hasPast && sameWorkAs == nil
      }
    }

    package var mayRun: Bool {
      if case .runUnlessUnchanged(_, hasPast: true) = decision { sameWorkAs == nil } else { false }
    }

    package var isCached: Bool {
      if case .cached = decision { true } else { false }
    }
  }

  package var pipeline: String
  /// The nodes that are needed, in topological order.
  package var nodes: [Node]
  /// Nodes that nothing wanted is made from.
  package var notNeeded: [String]

  package var willRun: [Node] { nodes.filter(\.willRun) }
  package var mayRun: [Node] { nodes.filter(\.mayRun) }
  package var cached: [Node] { nodes.filter(\.isCached) }
  /// The nodes whose results are in remote caches, with what the store lacks of each.
  package var fetched: [RemoteResult] {
    nodes.compactMap { if case .fetch(let result) = $0.decision { result } else { nil } }
  }

  /// Seconds that the nodes that (may) run took before, one after the other, and how many of them never ran.
  package var expectedSeconds: (total: Double, unknown: Int) {
    let running = nodes.filter { $0.willRun || $0.mayRun }
    return (
      running.reduce(0) { $0 + ($1.expectation?.seconds ?? 0) }, running.count { $0.expectation == nil }
    )
  }
}

extension Planner {
  /// The plan for a pipeline.
  ///
  /// Changes nothing.
  package func plan(
    _ pipeline: ResolvedPipeline, targets: [String] = [], expectations: Expectations = { _, _ in [:] }
  ) throws -> Plan {
    let needed = try pipeline.needed(targets)
    var results: [String: [String: Digest]] = [:]
    var running: [Digest: String] = [:]
    var first: [Digest: String] = [:]
    var nodes: [Plan.Node] = []
    for node in needed {
      let decision = try decide(node) { results[$0] }
      var planned = Plan.Node(name: node.name, type: node.type.name, planKey: node.planKey, decision: decision)
      planned.freshness = freshness(of: node, decision)
      switch decision {
      case .cached(let result):
        results[node.name] = result.digests
        planned.actionKey = result.key
      case .fetch(let result):
        results[node.name] = result.digests
        planned.actionKey = result.key
      case .run(_, let preimage):
        planned.actionKey = preimage.key
        planned.sameWorkAs = running[preimage.key]
        if planned.sameWorkAs == nil { running[preimage.key] = node.name }
      case .runUnlessUnchanged, .runOnceKnown:
        // With the same ancestry it gets the same inputs, whatever they come out to be.
        planned.sameWorkAs = first[node.planKey]
        if planned.sameWorkAs == nil { first[node.planKey] = node.name }
      }
      nodes.append(planned)
    }
    let expected = expectations(pipeline.name, zip(needed, nodes).filter { $1.willRun || $1.mayRun }.map(\.0))
    let ancestors = Dictionary(uniqueKeysWithValues: needed.map { ($0.name, $0) })
    for (index, node) in needed.enumerated() where nodes[index].willRun || nodes[index].mayRun {
      nodes[index].expectation = expected[node.name]
      nodes[index].forecast = node.type.forecast(Ancestry(node, among: ancestors))
    }
    let names = Set(needed.map(\.name))
    return Plan(
      pipeline: pipeline.name, nodes: nodes, notNeeded: pipeline.nodes.map(\.name).filter { !names.contains($0) })
  }
}
