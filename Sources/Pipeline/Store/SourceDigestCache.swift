import Crypto
import Glibc

/// Digests of source files and folders, by content, read again only when a stamp says that they may have changed.
///
/// A folder's digest covers the relative path, size and digest of every file below it, in the byte order of the paths.
/// Links are followed (model folders of the Hub consist of them); names that start with a dot are left out, so that
/// `.git`, `.cache` and editors' files do not change a model.
package struct SourceDigestCache: SourceDigester {
  private let store: Store
  private var log: DigestLog { store.digests }
  private var files: FileSystem { store.files }

  /// The digester that remembers in `store`.
  init(store: Store) { self.store = store }

  /// The digest of a file's bytes, or of a folder's tree, and the bytes it covers.
  /// - Throws: ``SourceError``.
  package func digest(path: String) throws -> (digest: Digest, size: Int) {
    do { return try tree(path) } catch let error as SystemError {
      throw SourceError(path: error.path, .unreadable(reason: error.reason))
    } catch StoreError.changedWhileRead(let path) {
      throw SourceError(path: path, .changedWhileReading)
    }
  }

  private func tree(_ path: String) throws -> (digest: Digest, size: Int) {
    guard let status = try files.status(path) else { throw SourceError(path: path, .missing) }
    switch status.kind {
    case .file: return try file(path)
    case .folder:
      var hash = SHA256()
      hash.update(data: Array("anneal/folder/v1\n".utf8))
      var size = 0
      try folder(path, prefix: "", depth: 0) { name, blob in
        hash.update(data: Array("\(blob.digest.hex) \(blob.size) \(name.utf8.count) \(name)\n".utf8))
        size += blob.size
      }
      return (Digest(hash.finalize()), size)
    case .other: throw SystemError("read", path, code: EINVAL)
    }
  }

  private func file(_ path: String) throws -> (digest: Digest, size: Int) {
    guard let blob = try log.digest(of: path) else { throw SourceError(path: path, .missing) }
    return (blob.digest, blob.size)
  }

  private func folder(
    _ path: String, prefix: String, depth: Int, _ body: (String, BlobReference) -> Void
  ) throws {
    // Links can make a folder contain itself.
    guard depth < 32 else { throw SystemError("read the folder", path, code: ELOOP) }
    for name in try files.names(in: path) where !name.utf8.starts(with: ".".utf8) {
      let whole = path + "/" + name
      guard let status = try files.status(whole) else { continue }
      switch status.kind {
      case .file:
        let (digest, size) = try file(whole)
        body(prefix + name, BlobReference(digest: digest, size: size))
      case .folder: try folder(whole, prefix: prefix + name + "/", depth: depth + 1, body)
      case .other: break
      }
    }
  }
}

// MARK: What was seen in files

extension SourceDigestCache {
  package func knownDigest(of file: String) -> Digest? { stamp(of: file).flatMap(log.digest(for:)) }

  package func stamp(of file: String) -> FileStamp? {
    // A file that cannot be looked at has no stamp; whoever reads it says why.
    guard let status = try? files.status(file), status.kind == .file else { return nil }
    return status.stamp
  }

  package func facets(for key: Digest) -> [String: Facet]? { store.facets(for: key) }
  package func remember(_ facets: [String: Facet], for key: Digest) { store.setFacets(facets, for: key) }
}
