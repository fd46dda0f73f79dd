import PreciseJSON

extension Store {
  /// What stands under an action key, with every file of it verified (see ``state(of:)``).
  ///
  /// Changes nothing.
  package func result(for key: Digest) throws -> ResultState {
    guard let entry = try entry(for: key) else { return .none }
    guard let entry else { return .dead(.entry) }
    for file in entry.files {
      switch try state(of: file.blob) {
      case .good: break
      case .missing: return .dead(.file(file.path, file.blob, .missing))
      case .corrupt: return .dead(.file(file.path, file.blob, .corrupt))
      }
    }
    do { return try assemble(entry, key).map(ResultState.found) ?? .dead(.entry) } catch StoreError.blobLost(
      let blob, let damage)
    {
      // Its stamp was right and its bytes are not.
      return .dead(.file(entry.files.first { $0.blob == blob }?.path ?? "", blob, damage))
    }
  }

  /// The decoded entry under a key: nil when there is none, an inner nil when it is damaged.
  ///
  /// Whatever stands there and is no file is a damaged entry.
  func entry(for key: Digest) throws -> ActionResult?? {
    let place = resultPlace(key)
    guard let status = try files.status(place, followsLinks: false) else { return nil }
    guard status.kind == .file, status.stamp.size <= ActionResult.limit else { return .some(nil) }
    guard let bytes = try files.read(place, limit: ActionResult.limit) else { return nil }
    return .some(ActionResult(bytes, for: key))
  }

  func assemble(_ entry: ActionResult, _ key: Digest) throws -> StoredResult? {
    var outputs: [String: Artefact] = [:]
    var preimage: BlobReference?
    var parts: BlobReference?
    var beginning: StoredResult.Beginning?
    var shown: [String: BlobReference] = [:]
    for file in entry.files {
      switch file.path {
      case StoredResult.preimageName: preimage = file.blob
      case StoredResult.partsName: parts = file.blob
      case StoredResult.beginningName: beginning = StoredResult.Beginning(try bytes(of: file.blob), blob: file.blob)
      case let path where path.hasPrefix(StoredResult.shownPrefix):
        shown[String(path.dropFirst(StoredResult.shownPrefix.count))] = file.blob
      case let path where path.hasSuffix("/" + StoredResult.manifestName):
        let port = String(path.dropLast(StoredResult.manifestName.count + 1))
        guard !port.contains("/") else { continue }
        do { outputs[port] = try Artefact(manifest: bytes(of: file.blob)) } catch StoreError.invalidManifest {
          return nil
        }
      default: break
      }
    }
    guard let preimage else { return nil }
    let result = StoredResult(
      key: key, outputs: outputs, preimage: preimage, parts: parts, beginning: beginning, shown: shown)
    // The entry must list what the manifests list, nothing more and nothing less.
    return result.actionResult == entry ? result : nil
  }

  /// What became of an attempt to publish a result.
  package enum Publication: Sendable {
    case published
    /// There was the same result already; of one that `replaces` it, what was measured stands there now.
    case known
    /// There was another result already, which stays: the action is not deterministic.
    case differs(StoredResult)
    /// There was another result already, in whose place this one is now.
    case replaced
  }

  /// Moves the blobs of a result in, then writes the entry that makes it visible.
  ///
  /// Create-once: of two processes that publish different results under a key, the first wins, unless the second
  /// `replaces` it. Whoever has read the entry that was there still finds its blobs.
  ///
  /// `unflushed` are files of results published with `flushes` off that must not be lost when this one is kept.
  func publish(
    _ result: StoredResult, _ blobs: StagedBlobs, flushes: Bool, with unflushed: [String], replaces: Bool
  ) throws -> Publication {
    let bytes = result.actionResult.encoded(for: result.key)
    let staged = try temporaryPath()
    try files.undurable.create(staged, bytes, mode: 0o444)
    // What stays of it is collected as garbage.
    defer { try? files.remove(staged) }
    try blobs.moveIn(flushes: flushes, with: unflushed + [staged])
    let place = resultPlace(result.key)
    try makeFolder(above: place)
    for _ in 0..<3 {
      if try files.linkOnce(staged, to: place) {
        if flushes { try files.sync([parentFolder(of: place)]) }
        return .published
      }
      switch try self.result(for: result.key) {
      case .none: continue
      case .dead(let reason): try bury(result.key, reason)
      case .found(let first):
        files.touch(place)
        let isSame = first.digests == result.digests
        guard replaces, first.actionResult != result.actionResult else { return isSame ? .known : .differs(first) }
        try files.renameClearing(staged, to: place)
        if flushes { try files.sync([parentFolder(of: place)]) }
        return isSame ? .known : .replaced
      }
    }
    throw StoreError.unusableStore(path: path, reason: "the entry `\(result.key.short)` cannot be replaced")
  }

  /// Removes an entry that cannot be used, and the damaged file that made it so.
  package func bury(_ key: Digest, _ reason: DeadEntry) throws {
    // Read again here: it may have been another process that found it, and the stamp tells nothing.
    if case .file(_, let blob, _) = reason { try removeDamaged(blob) }
    // A good entry may have taken its place meanwhile.
    if case .dead = try result(for: key) { try files.removeTree(resultPlace(key)) }
  }

  /// What has to be on the disk for a result to outlive the machine: its files in the store, and the folders they are in.
  func places(of result: StoredResult) throws -> [String] {
    let blobs = Set(result.actionResult.files.map { blobPlace($0.blob.digest) }).sorted()
    // Blobs that are used where they lie have no file here.
    let found = try blobs.filter { try files.status($0) != nil } + [resultPlace(result.key)]
    return found + Set(found.map(parentFolder(of:))).sorted()
  }

  /// Marks a result as used just now, for the garbage collector.
  ///
  /// At most every ten minutes, so that a run over cached results writes nothing.
  func markUsed(_ key: Digest) { if !isRecent(key) { files.touch(resultPlace(key)) } }

  /// Whether a result was published or used in the last ten minutes.
  func isRecent(_ key: Digest) -> Bool {
    // One that cannot be looked at is not touched either.
    guard let status = try? files.status(resultPlace(key)) else { return true }
    return wallClock() - status.stamp.modified <= 600_000_000_000
  }

  /// What a result's key is made of; nil when there is no result, or when it or its preimage is damaged.
  func preimage(of key: Digest) throws -> KeyPreimage? {
    guard let entry = try entry(for: key), let entry else { return nil }
    return try json(StoredResult.preimageName, of: entry).flatMap(KeyPreimage.init(json:))
  }

  /// A member of an entry that holds JSON; nil when there is none, or when it is lost.
  private func json(_ name: String, of entry: ActionResult) throws -> JSON? {
    guard let file = entry.files.first(where: { $0.path == name }) else { return nil }
    do { return try JSON(parsing: bytes(of: file.blob), file: name) } catch StoreError.blobLost { return nil }
  }

  /// The action keys of the sub-results that a result was made from; none when their list is lost.
  func parts(of entry: ActionResult) throws -> [Digest] {
    let list = try json(StoredResult.partsName, of: entry)?.array ?? []
    return list.compactMap { $0.string.flatMap(Digest.init(hex:)) }
  }
}
