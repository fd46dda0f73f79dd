/// What is to be done about a node, as far as it can be known now.
package enum Decision: Sendable {
  /// Its result is in the store, complete and verified.
  case cached(StoredResult)
  /// It will run.
  case run(RunReason, KeyPreimage)
  /// Its inputs are not known before other nodes have run: it runs unless they come out so that its result is in the
  /// store already. The nodes in question, in order; and whether there is any result of its work, without which it runs
  /// for certain.
  case runUnlessUnchanged(upstream: [String], hasPast: Bool)
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

extension ResolvedNode {
  /// What the action key is made of; nil while an input is not known.
  func actionPreimage(known: (String) -> StoredResult?) -> KeyPreimage? {
    struct Unknown: Error {}
    return try? actionKey { port, index in
      guard let binding = inputs.first(where: { $0.port == port && $0.index == index }),
        let digest = known(binding.node)?.digest(of: binding.output)
      else { throw Unknown() }
      return digest
    }.preimage
  }
}

/// Decides about nodes.
///
/// `plan` and `run` ask the same question here, so what is planned is what happens.
package struct Planner: Sendable {
  package let store: Store
  /// Nodes that run whatever the store holds.
  package let forced: Set<String>
  private let pasts: Pasts

  package init(store: Store, forced: Set<String> = []) {
    self.store = store
    self.forced = forced
    pasts = Pasts(store)
  }

  /// Decides about one node.
  ///
  /// Changes nothing.
  ///
  /// A node counts as cached when there is an entry under its action key and every blob of it is there and verified,
  /// whether or not anything will read that blob in this run: the store is whole after each run, and a damaged blob is
  /// found by the next run and not by the one that needs it.
  ///
  /// `known` gives the results of upstream nodes as far as they are known. Throws ``SystemError`` when the store cannot
  /// be read.
  package func decide(_ node: ResolvedNode, known: (String) -> StoredResult?) throws -> Decision {
    guard let preimage = node.actionPreimage(known: known) else {
      let unknown = node.inputs.filter { known($0.node)?.digest(of: $0.output) == nil }
      return .runUnlessUnchanged(upstream: Set(unknown.map(\.node)).sorted(), hasPast: try pasts.hasPast(node))
    }
    if forced.contains(node.name) { return .run(.forced, preimage) }
    switch try store.result(for: preimage.key) {
    case .found(let result): return .cached(result)
    case .dead(let reason): return .run(.dead(reason), preimage)
    case .none: return .run(.noResult, preimage)
    }
  }
}
