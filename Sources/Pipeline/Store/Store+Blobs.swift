import Glibc
import Synchronization

/// The state of a blob in the store.
package enum BlobState: Sendable, Hashable {
  /// Its bytes are verified; the path of the file that holds them.
  case good(path: String)
  case missing
  /// Something stands in its place that is not it.
  case corrupt(path: String)
}

extension Store {
  /// Looks for a blob and verifies it: its size always, its digest unless its stamp says that this very file was
  /// verified before and has not changed since.
  ///
  /// Changes nothing but the digest log.
  package func state(of blob: BlobReference) throws -> BlobState {
    let place = blobPlace(blob.digest)
    guard let status = try files.status(place, followsLinks: false) else { return try referenceState(of: blob) }
    if try verify(blob, at: place, status) { return .good(path: place) }
    // Somebody else may have found the damage too and removed it.
    return try files.status(place, followsLinks: false) == nil ? .missing : .corrupt(path: place)
  }

  /// The path of a blob's bytes, verified as ``state(of:)`` does.
  /// - Throws: ``StoreError/blobLost(_:_:)``.
  package func path(of blob: BlobReference) throws -> String { try good(try state(of: blob), blob) }

  /// The path of a blob's bytes for a node that is going to compute with them: read and hashed by this process whatever
  /// the stamp says, since a bit that flips below the file system changes no stamp.
  ///
  /// Cost: reads the blob once a process (about a second for each GB with a processor that knows SHA-256).
  /// - Throws: ``StoreError/blobLost(_:_:)``.
  package func readPath(of blob: BlobReference) throws -> String {
    let found = try state(of: blob)
    guard case .good(let path) = found, let stamp = try files.status(path)?.stamp, !read.contains(stamp) else {
      return try good(found, blob)
    }
    return try good(try reread(blob), blob)
  }

  private func good(_ state: BlobState, _ blob: BlobReference) throws -> String {
    switch state {
    case .good(let path): return path
    case .missing: throw StoreError.blobLost(blob, .missing)
    case .corrupt: throw StoreError.blobLost(blob, .corrupt)
    }
  }

  /// Reads a blob again, whatever its stamp says, and remembers what it holds now.
  func reread(_ blob: BlobReference) throws -> BlobState {
    guard case .good(let path) = try state(of: blob) else { return try state(of: blob) }
    if let found = try readable(path) {
      digests.correct(found.digest, for: found.stamp, readFrom: found.start)
      if found.digest == blob.digest { read.insert(found.stamp) }
      return try state(of: blob)
    }
    return try files.status(path) == nil ? .missing : .corrupt(path: path)
  }

  /// The digest of a file's bytes; nil when there is no file, or one that the disk cannot read.
  func readable(_ path: String) throws -> (digest: Digest, stamp: FileStamp, start: Int64)? {
    // EIO: the disk cannot read the sector. To the user that is a damaged blob, and it heals like one.
    do { return try files.digest(path) } catch let error as SystemError where error.code == EIO { return nil }
  }

  /// The bytes of a small blob, verified.
  package func bytes(of blob: BlobReference) throws -> [UInt8] {
    let path = try path(of: blob)
    let bytes: [UInt8]?
    do { bytes = try files.read(path) } catch let error as SystemError where error.code == EIO {
      throw StoreError.blobLost(blob, .corrupt)
    }
    guard let bytes else { throw StoreError.blobLost(blob, .missing) }
    guard Digest(of: bytes) == blob.digest else { throw StoreError.blobLost(blob, .corrupt) }
    return bytes
  }

  private func verify(_ blob: BlobReference, at place: String, _ status: FileStatus) throws -> Bool {
    guard status.kind == .file, status.stamp.size == blob.size else { return false }
    if digests.digest(for: status.stamp) == blob.digest { return true }
    guard let (digest, stamp, start) = try readable(place) else { return false }
    if digest == blob.digest {
      digests.remember(digest, for: stamp, readFrom: start)
      read.insert(stamp)
    }
    return digest == blob.digest
  }

  /// Removes a blob that is known to be damaged, unless somebody has put a good one in its place meanwhile.
  ///
  /// Reads it: another process may have found the damage, which its stamp does not show.
  func removeDamaged(_ blob: BlobReference) throws {
    if case .corrupt = try reread(blob) { try files.removeTree(blobPlace(blob.digest)) }
  }
}

/// The files, by their stamps, that a process has read as blobs and found good.
final class ReadBlobs: Sendable {
  private let stamps = Mutex<Set<FileStamp>>([])

  func contains(_ stamp: FileStamp) -> Bool { stamps.withLock { $0.contains(stamp) } }
  func insert(_ stamp: FileStamp) { stamps.withLock { _ = $0.insert(stamp) } }
}
