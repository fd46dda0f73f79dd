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
    guard let status = try files.status(place) else { return try referenceState(of: blob) }
    if try verify(blob, at: place, status) { return .good(path: place) }
    // Somebody else may have found the damage too and removed it.
    return try files.status(place) == nil ? .missing : .corrupt(path: place)
  }

  /// The path of a blob's bytes, verified.
  /// - Throws: ``StoreError/blobLost(_:_:)``.
  package func path(of blob: BlobReference) throws -> String {
    switch try state(of: blob) {
    case .good(let path): return path
    case .missing: throw StoreError.blobLost(blob, .missing)
    case .corrupt: throw StoreError.blobLost(blob, .corrupt)
    }
  }

  /// The bytes of a small blob, verified.
  func bytes(of blob: BlobReference) throws -> [UInt8] {
    guard let bytes = try files.read(try path(of: blob)) else { throw StoreError.blobLost(blob, .missing) }
    guard Digest(of: bytes) == blob.digest else { throw StoreError.blobLost(blob, .corrupt) }
    return bytes
  }

  private func verify(_ blob: BlobReference, at place: String, _ status: FileStatus) throws -> Bool {
    guard status.kind == .file, status.stamp.size == blob.size else { return false }
    if digests.digest(for: status.stamp) == blob.digest { return true }
    do {
      guard let (digest, stamp, start) = try files.digest(place) else { return false }
      if digest == blob.digest { digests.remember(digest, for: stamp, readFrom: start) }
      return digest == blob.digest
    } catch let error as SystemError where error.code == 5 {
      // EIO: the disk cannot read the sector. To the user that is a damaged blob, and it heals like one.
      return false
    }
  }

  /// Removes a blob that is known to be damaged, unless somebody has put a good one in its place meanwhile.
  func removeDamaged(_ blob: BlobReference) throws {
    if case .corrupt(let path) = try state(of: blob) {
      try files.remove(path == blobPlace(blob.digest) ? path : referencePlace(blob.digest))
    }
  }
}
