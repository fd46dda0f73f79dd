import Threads

extension FileSystem {
  /// How many paths wait for the disk at once.
  private static let flushes = 16

  /// Flushes files and folders to the disk, several at once.
  ///
  /// A journaling file system then writes its journal once for all of them; one after the other, each would wait for the
  /// disk.
  package func sync(_ paths: [String]) throws {
    for path in paths { try hook?(.sync, path) }
    guard isDurable else { return }
    try forEach(paths, atOnce: Self.flushes) { try FileSystem.flush($0) }
  }
}
