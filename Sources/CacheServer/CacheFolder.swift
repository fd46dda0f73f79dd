import Diagnostics
import Pipeline
import Synchronization

/// The files that a server keeps, in the layout that a cache in a folder has: `ac/aa/<key>`, `cas/aa/<sha256>`.
///
/// What was not asked for longest goes when there is no room. What is pinned stays: `pins/<key>` is an empty file for a
/// result that stays with all it names. Others may write to the folder meanwhile: what an index does not know is looked for.
package final class CacheFolder: Sendable {
  struct Name: Sendable, Hashable {
    var area: RemoteArea
    var digest: Digest
  }

  private struct File {
    var size: Int
    /// Nanoseconds since 1970.
    var used: Int64
  }

  private struct Index {
    var files: [Name: File] = [:]
    /// Bytes of all files, and of those that are being received.
    var size = 0
    var reserved = 0
    var evicted = 0
    var pinned: Set<Name> = []
  }

  /// How much there is.
  struct Statistics: Sendable, Hashable {
    var entries: Int
    var blobs: Int
    var size: Int
    var evicted: Int
  }

  package let path: String
  /// The most bytes to keep.
  package let bound: Int
  let files: FileSystem
  private let index = Mutex(Index())

  /// A file's time is written anew at most so often, in nanoseconds.
  private static let timeStep: Int64 = 600_000_000_000

  /// Opens a folder, which is made where there is none, and reads what is in it.
  ///
  /// - Parameter bound: The most bytes to keep; nine tenths of what the file system has for it unless given.
  /// - Throws: ``SystemError``, `Diagnostic` where what is pinned is more than that.
  package init(path: String, bound: Int?, files: FileSystem = FileSystem()) throws {
    self.path = path
    self.files = files
    for folder in ["ac", "cas", "tmp", "pins"] { try files.makeFolder("\(path)/\(folder)") }
    for name in try files.names(in: path + "/tmp") where ProcessTag(endOf: name)?.isGone ?? true {
      try files.remove("\(path)/tmp/\(name)")
    }
    var found: [Name: File] = [:]
    for area in RemoteArea.allCases {
      for shard in try files.names(in: "\(path)/\(area.rawValue)") {
        for name in try files.names(in: "\(path)/\(area.rawValue)/\(shard)") {
          guard let digest = Digest(hex: name) else { continue }
          let name = Name(area: area, digest: digest)
          guard let stamp = try Self.stamp(name, path, files) else { continue }
          found[name] = File(size: stamp.size, used: stamp.modified)
        }
      }
    }
    let size = found.values.reduce(0) { $0 + $1.size }
    self.bound = try bound ?? (size + (files.freeBytes(path) ?? 1 << 40)) / 10 * 9
    index.withLock { index in
      index.files = found
      index.size = size
    }
    do { try makeRoom() } catch is Full {
      throw Diagnostic(
        code: "too-small", "What is pinned in `\(path)` is larger than `--size`",
        advice: "allow more, or unpin some of it")
    }
  }

  /// Bytes of what is there.
  package var size: Int { statistics.size }

  var statistics: Statistics {
    index.withLock { index in
      let entries = index.files.keys.count { $0.area == .results }
      return Statistics(
        entries: entries, blobs: index.files.count - entries, size: index.size, evicted: index.evicted)
    }
  }

  func place(_ name: Name) -> String { Self.place(name, path) }

  private static func place(_ name: Name, _ path: String) -> String {
    "\(path)/\(name.area.rawValue)/\(name.digest.hex.prefix(2))/\(name.digest.hex)"
  }

  private static func stamp(_ name: Name, _ path: String, _ files: FileSystem) throws -> FileStamp? {
    guard let status = try files.status(place(name, path), followsLinks: false), status.kind == .file else {
      return nil
    }
    return status.stamp
  }

  // MARK: Taking

  /// The size of a file that is there, which counts as used now; nil where there is none.
  func use(_ name: Name) throws -> Int? {
    guard let stamp = try Self.stamp(name, path, files) else {
      forget(name)
      return nil
    }
    let now = wallClock()
    index.withLock { index in
      index.size += stamp.size - (index.files[name]?.size ?? 0)
      index.files[name] = File(size: stamp.size, used: now)
    }
    // So that the order outlives this process.
    if now - stamp.modified > Self.timeStep { files.touch(place(name)) }
    return stamp.size
  }

  private func forget(_ name: Name) {
    index.withLock { index in
      if let file = index.files.removeValue(forKey: name) { index.size -= file.size }
    }
  }

  /// Removes a file that is of no use.
  func remove(_ name: Name) throws {
    try files.remove(place(name))
    forget(name)
  }

  /// The bytes of an entry; nil where there is none, or one that names what is not there any more, which is removed.
  ///
  /// The entry counts as used before what it names: it goes first.
  func entry(_ key: Digest, checksReferences: Bool) throws -> [UInt8]? {
    let name = Name(area: .results, digest: key)
    guard try use(name) != nil, let bytes = try files.read(place(name), limit: EntryReferences.limit) else {
      return nil
    }
    guard checksReferences else { return bytes }
    guard let references = try? EntryReferences(entry: bytes), try isWhole(references) else {
      try remove(name)
      return nil
    }
    return bytes
  }

  private func isWhole(_ references: EntryReferences) throws -> Bool {
    for blob in references.blobs where try !has(blob) { return false }
    for tree in references.trees {
      guard try has(tree) else { return false }
      let place = place(Name(area: .blobs, digest: tree.digest))
      guard let bytes = try files.read(place, limit: EntryReferences.treeLimit),
        let inner = try? EntryReferences(tree: bytes)
      else { return false }
      for blob in inner.blobs where try !has(blob) { return false }
    }
    return true
  }

  private func has(_ blob: BlobReference) throws -> Bool {
    // Nothing is there by definition.
    try blob.size == 0 || use(Name(area: .blobs, digest: blob.digest)) == blob.size
  }

  // MARK: Putting

  /// There is no room, whatever is removed.
  struct Full: Error {}

  /// A new file outside the areas, for which there is room.
  ///
  /// To be followed by ``keep(_:_:)`` or ``giveUp(_:)``.
  func begin(_ size: Int) throws -> CacheUpload {
    index.withLock { $0.reserved += size }
    do {
      try makeRoom()
      return CacheUpload(
        file: try ReceivedFile("\(path)/tmp/\(temporaryName())", files: files), reserved: size)
    } catch {
      index.withLock { $0.reserved -= size }
      throw error
    }
  }

  func giveUp(_ upload: CacheUpload) {
    upload.file.discard()
    index.withLock { $0.reserved -= upload.reserved }
  }

  /// Moves what was received into place; nobody sees half of it.
  func keep(_ upload: CacheUpload, _ name: Name) throws {
    let place = place(name)
    try files.protect(upload.file.path)
    try files.sync([upload.file.path])
    try files.makeFolder(parentFolder(of: place))
    try files.rename(upload.file.path, to: place)
    index.withLock { $0.reserved -= upload.reserved }
    _ = try use(name)
  }

  /// Removes what was not asked for longest until there is room, and a little more, so that not every file has to look.
  ///
  /// - Throws: ``Full`` where that would not be enough; then nothing is removed.
  private func makeRoom() throws {
    func excess(over bound: Int) -> Int { index.withLock { $0.size + $0.reserved - bound } }
    guard excess(over: bound) > 0 else { return }
    try readPins()
    let candidates = index.withLock { index in
      index.files.filter { !index.pinned.contains($0.key) }.sorted { $0.value.used < $1.value.used }
    }
    guard candidates.reduce(0, { $0 + $1.value.size }) >= excess(over: bound) else { throw Full() }
    for (name, _) in candidates {
      guard excess(over: bound - bound / 20) > 0 else { return }
      try remove(name)
      index.withLock { $0.evicted += 1 }
    }
  }

  // MARK: Pins

  /// Reads which results stay, and what they name.
  private func readPins() throws {
    var pinned: Set<Name> = []
    for key in try files.names(in: path + "/pins").compactMap({ Digest(hex: $0) }) {
      let name = Name(area: .results, digest: key)
      guard let bytes = try files.read(place(name), limit: EntryReferences.limit),
        let references = try? EntryReferences(entry: bytes)
      else { continue }
      pinned.insert(name)
      for blob in references.blobs.union(references.trees) { pinned.insert(Name(area: .blobs, digest: blob.digest)) }
      for tree in references.trees {
        let place = place(Name(area: .blobs, digest: tree.digest))
        let bytes = try files.read(place, limit: EntryReferences.treeLimit) ?? []
        for blob in (try? EntryReferences(tree: bytes))?.blobs ?? [] {
          pinned.insert(Name(area: .blobs, digest: blob.digest))
        }
      }
    }
    index.withLock { $0.pinned = pinned }
  }
}

/// A file that is being received, with the room that was made for it.
struct CacheUpload: Sendable {
  let file: ReceivedFile
  let reserved: Int
}
