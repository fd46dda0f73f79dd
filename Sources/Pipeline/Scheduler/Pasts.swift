import Synchronization

/// Knows whether the work of nodes was done before, with whatever inputs: only what never was runs for certain before
/// its inputs are known.
///
/// The plan index tells at once where it says yes. It is advice and may have been lost, so where it says nothing the
/// results themselves are asked.
final class Pasts: Sendable {
  private let store: Store
  /// The work keys of all results, once they had to be looked through.
  private let works = Mutex<Set<Digest>?>(nil)

  init(_ store: Store) { self.store = store }

  /// Cost: two small files read; the first time the index says nothing, the preimages of all results.
  func hasPast(_ node: ResolvedNode) throws -> Bool {
    if store.planEntry(for: node.planKey) != nil || store.planEntry(for: node.workKey) != nil { return true }
    return try works.withLock { works in
      let found = try works ?? Set(store.listing("ac").compactMap { try store.preimage(of: $0)?.workKey })
      works = found
      return found.contains(node.workKey)
    }
  }
}

extension KeyPreimage {
  /// The key of the work that an action does to its inputs; nil for the keys of other things.
  fileprivate var workKey: Digest? {
    guard domain == .action else { return nil }
    return KeyPreimage(.work, entries.filter { !$0.label.hasPrefix("inputs.") }).key
  }
}
