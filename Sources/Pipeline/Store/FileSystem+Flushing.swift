import Synchronization
import Threads

extension FileSystem {
  /// Flushes files and folders to the disk, several at once.
  ///
  /// A journaling file system then writes its journal once for all of them; one after the other, each would wait for the
  /// disk.
  package func sync(_ paths: [String]) throws {
    for path in paths { try hook?(.sync, path) }
    guard isDurable, !paths.isEmpty else { return }
    let flushes = Flushes(paths)
    shareWork(others: min(paths.count, Flushes.limit) - 1) { flushes.work() }
    if let failure = flushes.failure { throw failure }
  }
}

/// Paths that several threads flush.
private final class Flushes: Sendable {
  /// How many wait for the disk at once.
  static let limit = 16

  private let paths: [String]
  private let state = Mutex((next: 0, failure: SystemError?.none))

  init(_ paths: [String]) { self.paths = paths }

  /// What went wrong first.
  var failure: SystemError? { state.withLock { $0.failure } }

  /// Flushes one path after the other until none is left or one fails.
  func work() {
    while let path = next() {
      do { try FileSystem.flush(path) } catch { state.withLock { $0.failure = $0.failure ?? error } }
    }
  }

  private func next() -> String? {
    state.withLock { state in
      guard state.failure == nil, state.next < paths.count else { return nil }
      defer { state.next += 1 }
      return paths[state.next]
    }
  }
}
