import Synchronization

/// Does something with each element, several at once, and returns when all that was begun has ended.
///
/// After a failure nothing more is begun.
/// - Throws: What `body` threw first.
package func forEach<Element>(
  _ elements: [Element], atOnce width: Int, _ body: (Element) throws -> Void
) throws {
  let state = Mutex((next: 0, failure: (any Error)?.none))
  shareWork(others: min(elements.count, width) - 1) {
    while true {
      let index: Int? = state.withLock { state in
        guard state.failure == nil, state.next < elements.count else { return nil }
        defer { state.next += 1 }
        return state.next
      }
      guard let index else { return }
      do { try body(elements[index]) } catch { state.withLock { $0.failure = $0.failure ?? error } }
    }
  }
  if let failure = state.withLock({ $0.failure }) { throw failure }
}
