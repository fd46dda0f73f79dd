/// Answers for `anneal cache ls | stats`.
extension Store {
  /// A result as `cache ls` lists it.
  package struct ListedResult: Sendable {
    package var key: Digest
    /// The node type, `type/part` for a part, or the recipe of one; nil when its preimage cannot be read.
    package var type: String?
    /// Bytes of all its files.
    package var size: Int
    package var files: Int
    /// Seconds since 1970 when it was made or last used.
    package var used: Double
    package var isPinned: Bool
  }

  /// The keys of all results.
  package func keys() throws -> [Digest] { try listing("ac") }

  /// All results, the latest used first.
  package func results() throws -> [ListedResult] {
    let pins = Set(try pins())
    return try listing("ac").compactMap { key -> ListedResult? in
      guard let status = try files.status(resultPlace(key), followsLinks: false), let entry = try entry(for: key) else {
        return nil
      }
      let preimage = try preimage(of: key)
      return ListedResult(
        key: key, type: preimage?.typeName, size: entry?.files.reduce(0) { $0 + $1.blob.size } ?? 0,
        files: entry?.files.count ?? 0,
        used: Double(status.stamp.modified) / 1e9, isPinned: pins.contains(key))
    }.sorted { $0.used == $1.used ? $0.key < $1.key : $0.used > $1.used }
  }

  /// How much is in the store.
  package struct Statistics: Sendable, Hashable {
    package var results = 0
    package var blobs = 0
    /// Bytes of all blobs.
    package var size = 0
    /// Files used where they lie.
    package var references = 0
    /// Folders of unfinished work, and the bytes in them.
    package var checkpoints = 0
    package var checkpointSize = 0
    package var pins = 0
    package var runs = 0
    /// Bytes that living processes are writing, or that nobody on this machine can tell to be left behind.
    package var temporarySize = 0
    /// What killed processes left behind: how many files and folders, and the bytes in them.
    package var leftovers = 0
    package var leftoverSize = 0
    /// What of unfinished work and of leftovers could not be looked at, and is not counted.
    package var unseen: [SystemError] = []
  }

  /// Counts everything.
  ///
  /// Cost: looks at every file, reads none.
  package func statistics() throws -> Statistics {
    var found = Statistics()
    func bytes(below path: String) -> Int {
      let tree = files.tree(path)
      found.unseen += tree.unseen
      return tree.size
    }
    found.results = try listing("ac").count
    for blob in try listing("cas") {
      found.blobs += 1
      found.size += try files.status(blobPlace(blob), followsLinks: false)?.stamp.size ?? 0
    }
    found.references = try listing("refs").count
    for name in try files.names(in: path + "/checkpoints") {
      found.checkpoints += 1
      found.checkpointSize += bytes(below: path + "/checkpoints/" + name)
    }
    found.pins = try pins().count
    found.runs = try files.names(in: rootsFolder).count
    for name in try files.names(in: path + "/tmp") {
      let size = bytes(below: path + "/tmp/" + name)
      if ProcessTag(endOf: name)?.isGone ?? false {
        found.leftovers += 1
        found.leftoverSize += size
      } else {
        found.temporarySize += size
      }
    }
    return found
  }
}
