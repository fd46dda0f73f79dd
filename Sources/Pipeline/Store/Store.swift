import Glibc

/// The content-addressed store: blobs by digest, results by action key, and what helps to make them.
///
///     cas/aa/<sha256>       blobs, read-only files
///     ac/aa/<action key>    results: `ActionResult` messages, written once
///     plan/aa/<plan key>    which action key a plan key led to: advice
///     facets/aa/<key>       what was seen in the headers of source files: advice
///     refs/aa/<sha256>      where a blob lies that is used in place, such as a model already on disk
///     leases/<action key>   who is working on it just now
///     checkpoints/<key>/    unfinished work
///     roots/<run>           what the garbage collector must keep
///     tmp/                  being written, by names that say which process writes
///     digests.log           which digest a file had, by its stamp
///
/// Everything is written with the user's umask and never changed afterwards, so a store can be shared by a group.
/// Opening a store writes nothing.
package struct Store: Sendable {
  package let path: String
  package let files: FileSystem
  package let digests: DigestLog
  /// The blobs whose bytes this process has read and found good.
  let read = ReadBlobs()

  /// Opens (without making anything yet) the store in the folder `path`.
  package init(path: String, files: FileSystem = FileSystem()) {
    self.path = path
    self.files = files
    digests = DigestLog(path: path + "/digests.log", files: files)
  }

  /// The user's store: `$ANNEAL_STORE`, else `$XDG_CACHE_HOME/anneal`, else `~/.cache/anneal`.
  package static var defaultPath: String {
    func variable(_ name: String) -> String? {
      guard let value = getenv(name), value.pointee != 0 else { return nil }
      return String(cString: value)
    }
    if let path = variable("ANNEAL_STORE") { return path }
    if let cache = variable("XDG_CACHE_HOME") { return cache + "/anneal" }
    return (variable("HOME") ?? "/tmp") + "/.cache/anneal"
  }

  /// The digester of source files that remembers in this store.
  package var sources: SourceDigestCache { SourceDigestCache(store: self) }

  // MARK: Places

  private func place(_ area: String, _ digest: Digest) -> String {
    "\(path)/\(area)/\(digest.hex.prefix(2))/\(digest.hex)"
  }

  package func blobPlace(_ digest: Digest) -> String { place("cas", digest) }
  package func resultPlace(_ key: Digest) -> String { place("ac", key) }
  func planPlace(_ planKey: Digest) -> String { place("plan", planKey) }
  func facetPlace(_ key: Digest) -> String { place("facets", key) }
  func referencePlace(_ digest: Digest) -> String { place("refs", digest) }
  func leasePlace(_ key: Digest) -> String { "\(path)/leases/\(key.hex)" }
  package func checkpointPlace(_ key: Digest) -> String { "\(path)/checkpoints/\(key.hex)" }
  package var rootsFolder: String { path + "/roots" }

  /// A path for a file being written, on the store's own file system; its folder exists.
  func temporaryPath() throws -> String {
    let place = newTemporaryPlace()
    try makeFolder(above: place)
    return place
  }

  /// A path for something being written, whose folder may have to be made.
  func newTemporaryPlace() -> String { path + "/tmp/" + temporaryName() }

  /// Every digest that names a file in one of the areas `cas`, `ac`, `plan`, `facets` or `refs`, in order.
  func listing(_ area: String) throws -> [Digest] {
    var found: [Digest] = []
    for shard in try files.names(in: "\(path)/\(area)") {
      found += try files.names(in: "\(path)/\(area)/\(shard)").compactMap(Digest.init(hex:))
    }
    return found
  }

  /// Makes the folder that `place` stands in.
  func makeFolder(above place: String) throws { try files.makeFolder(parentFolder(of: place)) }
}
