import Crypto
import Glibc
import Synchronization

/// A new file whose bytes are hashed on their way to the disk, so that what arrives need not be read once more.
///
/// It lies in the store: what goes wrong with it is a ``LocalFailure``.
package final class ReceivedFile: Sendable {
  private struct State {
    var descriptor: Int32
    var hash = SHA256()
    var count = 0
  }

  package let path: String
  private let state: Mutex<State>

  /// Makes the file, which must not exist yet.
  package init(_ path: String, files: FileSystem) throws {
    self.path = path
    state = Mutex(
      State(
        descriptor: try LocalFailure.mark {
          try files.hook?(.write, path)
          let descriptor = open(path, O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC, 0o666)
          guard descriptor >= 0 else { throw SystemError("write", path) }
          return descriptor
        }))
  }

  /// The bytes so far.
  package var count: Int { state.withLock { $0.count } }

  package func append(_ bytes: UnsafeRawBufferPointer) throws {
    try LocalFailure.mark {
      try state.withLock { state in
        try FileSystem.writeAll(state.descriptor, bytes, path)
        state.hash.update(bufferPointer: bytes)
        state.count += bytes.count
      }
    }
  }

  /// Forgets what came so far.
  package func restart() throws {
    try LocalFailure.mark {
      try state.withLock { state in
        guard ftruncate(state.descriptor, 0) == 0, lseek(state.descriptor, 0, SEEK_SET) == 0 else {
          throw SystemError("write", path)
        }
        state.hash = SHA256()
        state.count = 0
      }
    }
  }

  /// Closes the file; nothing can be added any more.
  ///
  /// - Returns: What is in it.
  package func finish() throws -> BlobReference {
    try LocalFailure.mark {
      try state.withLock { state in
        let descriptor = state.descriptor
        state.descriptor = -1
        try FileSystem.closing(descriptor, path) {}
        return BlobReference(digest: Digest(state.hash.finalize()), size: state.count)
      }
    }
  }

  /// Removes the file; what cannot be removed is collected as garbage later.
  package func discard() { unlink(path) }

  deinit {
    let descriptor = state.withLock { $0.descriptor }
    if descriptor >= 0 { close(descriptor) }
  }
}
