import Glibc
import PreciseJSON

/// Blobs that are used where they lie instead of being copied into the store, such as the weights of a model on disk.
///
/// `refs/aa/<sha256>` holds the path of the file. The file is hashed when it is first referenced; afterwards its stamp
/// tells whether it must be hashed again. A file that is gone or has other bytes is a missing blob: its producer, run
/// again, names the new place.
extension Store {
  /// Makes the file at `path` serve as the blob with its digest.
  package func addReference(to path: String) throws -> BlobReference {
    // Another run may be started in another folder.
    let path = path.hasPrefix("/") ? path : try currentFolder() + "/" + path
    guard let blob = try digests.digest(of: path) else { throw StoreError.missingSource(path: path) }
    let place = referencePlace(blob.digest)
    if try referencedPath(blob.digest) != path {
      try makeFolder(above: place)
      try files.replaceClearing(place, Array(Self.text(path).utf8), temporary: try temporaryPath())
    }
    return blob
  }

  func referenceState(of blob: BlobReference) throws -> BlobState {
    guard let path = try referencedPath(blob.digest) else { return .missing }
    // A file that cannot be read, or changes just now, is not there: its producer, run again, says why.
    guard let found = try? digests.digest(of: path), found == blob else { return .missing }
    return .good(path: path)
  }

  /// Where the file lies; nil without a reference, or with one that is damaged.
  func referencedPath(_ digest: Digest) throws -> String? {
    let place = referencePlace(digest)
    guard let status = try files.status(place, followsLinks: false), status.kind == .file,
      let bytes = try files.read(place, limit: 1 << 16),
      let text = String(validating: bytes, as: UTF8.self), let json = try? JSON(parsing: text),
      let path = json["path"]?.string, text == Self.text(path)
    else { return nil }
    return path
  }

  /// The path with a checksum: a flipped bit makes the reference void instead of wrong.
  private static func text(_ path: String) -> String {
    let json: JSON = ["path": JSON(path), "check": JSON(Digest(of: Array(path.utf8)).short)]
    return json.text() + "\n"
  }
}
