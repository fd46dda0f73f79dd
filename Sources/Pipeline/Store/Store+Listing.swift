/// Answers for `anneal cache ls | stats | verify`.
extension Store {
  /// A result as `cache ls` lists it.
  package struct ListedResult: Sendable {
    package var key: Digest
    /// The node type, or `type/part` for a part; nil when its preimage cannot be read.
    package var type: String?
    /// Bytes of all its files.
    package var size: Int
    package var files: Int
    /// Seconds since 1970 when it was made or last used.
    package var used: Double
    package var isPinned: Bool
  }

  /// All results, the latest used first.
  package func results() throws -> [ListedResult] {
    let pins = Set(try pins())
    return try listing("ac").compactMap { key -> ListedResult? in
      guard let status = try files.status(resultPlace(key)), let entry = try entry(for: key) else { return nil }
      let preimage = preimage(of: key).flatMap(KeyPreimage.init(json:))
      var type: String?
      if case .text(let name)? = preimage?["type"] { type = name }
      if let known = type, case .text(let part)? = preimage?["part"] { type = "\(known)/\(part)" }
      return ListedResult(
        key: key, type: type, size: entry?.files.reduce(0) { $0 + $1.blob.size } ?? 0, files: entry?.files.count ?? 0,
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
    /// Bytes of unfinished writes that a killed process left behind, or that are being written.
    package var temporarySize = 0
  }

  /// Counts everything.
  ///
  /// Cost: looks at every file, reads none.
  package func statistics() throws -> Statistics {
    var found = Statistics()
    found.results = try listing("ac").count
    for blob in try listing("cas") {
      found.blobs += 1
      found.size += try files.status(blobPlace(blob))?.stamp.size ?? 0
    }
    found.references = try listing("refs").count
    for name in try files.names(in: path + "/checkpoints") {
      found.checkpoints += 1
      found.checkpointSize += try treeSize(path + "/checkpoints/" + name)
    }
    found.pins = try pins().count
    found.runs = try files.names(in: rootsFolder).count
    found.temporarySize = try treeSize(path + "/tmp")
    return found
  }

  func treeSize(_ path: String) throws -> Int {
    guard let status = try files.status(path) else { return 0 }
    guard status.kind == .folder else { return status.stamp.size }
    return try files.names(in: path).reduce(0) { $0 + (try treeSize(path + "/" + $1)) }
  }

  /// What a look at every byte of the store found.
  package struct Verification: Sendable {
    /// Blobs read, and their bytes.
    package var blobs = 0
    package var size = 0
    package var results = 0
    /// Blobs whose bytes are not what their names say.
    package var corrupt: [Digest] = []
    /// Results that cannot be used: their producers will run again.
    package var dead: [(key: Digest, reason: DeadEntry)] = []
    /// Whether what was found was also removed.
    package var isRepaired = false

    package var isSound: Bool { corrupt.isEmpty && dead.isEmpty }
  }

  /// Reads every blob again, whatever its stamp says, and looks through every result.
  ///
  /// With `repair`, damaged blobs are removed, and the results that need them.
  package func verify(repair: Bool = false) throws -> Verification {
    var found = Verification(isRepaired: repair)
    for digest in try listing("cas") {
      let place = blobPlace(digest)
      let read: (digest: Digest, stamp: FileStamp, start: Int64)?
      do { read = try files.digest(place) } catch let error as SystemError where error.code == 5 {
        found.corrupt.append(digest)
        continue
      }
      guard let read else { continue }
      found.blobs += 1
      found.size += read.stamp.size
      if read.digest != digest { found.corrupt.append(digest) }
      digests.remember(read.digest, for: read.stamp, readFrom: read.start)
    }
    let corrupt = Set(found.corrupt)
    for key in try listing("ac") {
      found.results += 1
      if let reason = try deadness(of: key, corrupt: corrupt) { found.dead.append((key, reason)) }
    }
    if repair {
      for digest in found.corrupt { try files.remove(blobPlace(digest)) }
      for (key, _) in found.dead { try files.remove(resultPlace(key)) }
    }
    return found
  }

  private func deadness(of key: Digest, corrupt: Set<Digest>) throws -> DeadEntry? {
    if case .dead(let reason) = try result(for: key) { return reason }
    guard let entry = try entry(for: key), let entry else { return nil }
    return entry.files.first { corrupt.contains($0.blob.digest) }.map { .file($0.path, $0.blob, .corrupt) }
  }
}
