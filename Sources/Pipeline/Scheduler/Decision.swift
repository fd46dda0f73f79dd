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
  /// Its inputs are not known before other nodes have run, and it runs whatever they come out to be.
  case runOnceKnown(RunReason, upstream: [String])
}

/// Why a node runs.
package enum RunReason: Sendable, Hashable {
  /// There is no result under its key.
  case noResult
  /// There is one that cannot be used.
  case dead(DeadEntry)
  /// The user said so.
  case forced
  /// Nothing tells whether an earlier result still holds.
  case unversioned
  /// There is a result that is too old.
  case stale(Freshness)

  /// Whether a result that stands under the key is made once more and replaced.
  package var repeats: Bool {
    switch self {
    case .noResult, .dead: false
    case .forced, .unversioned, .stale: true
    }
  }

  /// Whether other bytes than those of the result that stands there are nothing to tell.
  var expectsOthers: Bool { repeats && self != .forced }
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
  /// Results of work that began since then are as good as made in this run, in nanoseconds since 1970.
  private let madeSince: Int64?
  private let pasts: Pasts
  private let clock: Clock

  /// Tells the time, in nanoseconds since 1970.
  package typealias Clock = @Sendable () -> Int64

  package init(
    store: Store, forced: Set<String> = [], remotes: RemoteCaches = RemoteCaches(), madeSince: Int64? = nil,
    clock: @escaping Clock = wallClock
  ) {
    self.store = store
    self.remotes = remotes
    self.forced = forced
    self.madeSince = madeSince
    self.clock = clock
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
  /// `known` gives the digests of upstream nodes' outputs as far as they are known; what `wasMade` in the same run is not
  /// made again. Throws ``SystemError`` when the store cannot be read.
  package func decide(
    _ node: ResolvedNode, known: (String) -> [String: Digest]?, wasMade: (Digest) -> Bool = { _ in false }
  ) throws -> Decision {
    guard let preimage = node.actionPreimage(known: known) else {
      let unknown = Set(node.inputs.filter { known($0.node)?[$0.output] == nil }.map(\.node)).sorted()
      if let reason = node.reasonToRepeat(nil, now: clock()) { return .runOnceKnown(reason, upstream: unknown) }
      return .runUnlessUnchanged(upstream: unknown, hasPast: try pasts.hasPast(node))
    }
    let isMade = wasMade(preimage.key)
    if forced.contains(node.name), !isMade { return .run(.forced, preimage) }
    switch try store.result(for: preimage.key) {
    case .found(let result):
      let isOfNow = isMade || madeSince.map { since in result.began.map { $0 >= since } ?? false } ?? false
      if !isOfNow, let reason = node.reasonToRepeat(result, now: clock()) { return .run(reason, preimage) }
      return .cached(result)
    case .dead(let reason): return .run(.dead(reason), preimage)
    case .none:
      if let reason = node.reasonToRepeat(nil, now: clock()) { return .run(reason, preimage) }
      guard !node.isLocal else { return .run(.noResult, preimage) }
      return try remotes.look(preimage.key, beside: store).map(Decision.fetch) ?? .run(.noResult, preimage)
    }
  }

  /// How old the result of a node is that counts as cached; nil where results do not go stale.
  func freshness(of node: ResolvedNode, _ decision: Decision) -> Freshness? {
    guard case .cached(let result) = decision else { return nil }
    return node.freshness(of: result, now: clock())
  }
}
