/// What is to be done about a node, as far as it can be known now.
package enum Decision: Sendable {
  /// Its result is in the store, complete and verified.
  case cached(StoredResult)
  /// A remote cache has its result.
  case fetch(RemoteResult)
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
  func actionPreimage(known: (String) -> [String: Digest]?) -> KeyPreimage? {
    struct Unknown: Error {}
    return try? actionKey { port, index in
      guard let binding = inputs.first(where: { $0.port == port && $0.index == index }),
        let digest = known(binding.node)?[binding.output]
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
  /// Where results are looked for that the store does not have.
  package let remotes: RemoteCaches
  private let pasts: Pasts

  package init(store: Store, forced: Set<String> = [], remotes: RemoteCaches = RemoteCaches()) {
    self.store = store
    self.remotes = remotes
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
  /// `known` gives the digests of upstream nodes' outputs as far as they are known. Throws ``SystemError`` when the store cannot
  /// be read.
  package func decide(_ node: ResolvedNode, known: (String) -> [String: Digest]?) throws -> Decision {
    guard let preimage = node.actionPreimage(known: known) else {
      let unknown = node.inputs.filter { known($0.node)?[$0.output] == nil }
      return .runUnlessUnchanged(upstream: Set(unknown.map(\.node)).sorted(), hasPast: try pasts.hasPast(node))
    }
    if forced.contains(node.name) { return .run(.forced, preimage) }
    switch try store.result(for: preimage.key) {
    case .found(let result): return .cached(result)
    case .dead(let reason): return .run(.dead(reason), preimage)
    case .none:
      return try remotes.look(preimage.key, beside: store).map(Decision.fetch) ?? .run(.noResult, preimage)
    }
  }
}
