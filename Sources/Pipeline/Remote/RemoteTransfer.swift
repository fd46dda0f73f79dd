/// What whoever waits for something from a remote cache wants to hear meanwhile, and whether it still waits.
package struct RemoteTransfer: Sendable {
  let stop: Cancellation?
  /// Told of bytes that have gone or come.
  package let moved: @Sendable (Int) -> Void

  package init(stop: Cancellation? = nil, moved: @escaping @Sendable (Int) -> Void = { _ in }) {
    self.stop = stop
    self.moved = moved
  }

  package var isStopped: Bool { stop?.isRequested ?? false }

  /// - Throws: ``Interrupted`` when nobody waits any more.
  package func check() throws { if isStopped { throw Interrupted() } }
}
