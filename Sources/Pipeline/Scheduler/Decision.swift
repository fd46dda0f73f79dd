/// What is to be done about a node, as far as it can be known now.
package enum Decision: Sendable {
  /// Its result is in the store, complete and verified.
  case cached(StoredResult)
  /// It will run.
  case run(RunReason, KeyPreimage)
  /// Its inputs are not known before other nodes have run: it runs unless they come out so that its result is in the
  /// store already. The nodes in question, in order.
  case runUnlessUnchanged(upstream: [String])
}

/// Why a node runs.
package enum RunReason: Sendable, Hashable {
  /// There is no result under its key.
  case noResult
  /// There is one that cannot be used.
  case dead(DeadEntry)
  /// The user said so.
  case forced
}

/// Decides about nodes. `plan` and `run` ask the same question here, so what is planned is what happens.
package struct Planner: Sendable {
  package let store: Store
  /// Nodes that run whatever the store holds.
  package let forced: Set<String>

  package init(store: Store, forced: Set<String> = []) {
    self.store = store
    self.forced = forced
  }

  /// Decides about one node. Changes nothing.
  ///
  /// A node counts as cached when there is an entry under its action key and every blob of it is there and verified,
  /// whether or not anything will read that blob in this run: the store is whole after each run, and a damaged blob is
  /// found by the next run and not by the one that needs it.
  /// - Parameter known: The results of upstream nodes that are known.
  /// - Throws: ``SystemError`` when the store cannot be read.
  package func decide(_ node: ResolvedNode, known: (String) -> StoredResult?) throws -> Decision {
    var digests: [ResolvedNode.InputBinding: Digest] = [:]
    var unknown: Set<String> = []
    for binding in node.inputs {
      if let digest = known(binding.node)?.digest(of: binding.output) {
        digests[binding] = digest
      } else {
        unknown.insert(binding.node)
      }
    }
    guard unknown.isEmpty else { return .runUnlessUnchanged(upstream: unknown.sorted()) }
    let preimage = node.actionPreimage { digests[$0] }
    if forced.contains(node.name) { return .run(.forced, preimage) }
    switch try store.result(for: preimage.key) {
    case .found(let result): return .cached(result)
    case .dead(let reason): return .run(.dead(reason), preimage)
    case .none: return .run(.noResult, preimage)
    }
  }
}
