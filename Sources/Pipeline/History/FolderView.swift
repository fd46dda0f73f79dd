import Glibc
import PreciseJSON

/// Puts copies of blobs into a folder of the user's, as files that may be edited, moved or removed.
///
/// Each file is a reflink where the file system has them (btrfs, XFS) and a copy elsewhere; never a hard link: editing a
/// linked file in place would change the store's blob. What is there already is left alone.
///
/// A folder that is not there yet appears whole, by one rename. In one that is, every file is ready before the first is
/// moved in, and the file that loaders open first goes before all others and comes back after them: a folder that a
/// killed process left half old, half new does not load. What killed processes left is removed by the next one.
package struct FolderView: Sendable {
  private let store: Store
  /// Where it is noted what was put where.
  private let notes: String
  private var files: FileSystem { store.files }

  package init(store: Store, project: String) {
    self.store = store
    notes = project + "/.anneal/views"
  }

  private static let prefix = ".anneal-partial-"
  /// What loaders of models and of adapters open first.
  private static let entrances: Set<String> = ["config.json", "adapter_config.json"]

  /// Makes a folder hold files, and none that were put there under the same note before.
  ///
  /// - Parameters:
  ///   - note: Names the note about the folder: a relative path.
  ///   - flushes: Whether the files are on the disk when this returns.
  /// - Throws: ``SystemError``, ``StoreError/blobLost(_:_:)``; then no new file is in the folder.
  package func put(_ members: [Artefact.Member], into folder: String, note: String, flushes: Bool = false) throws {
    let notePath = "\(notes)/\(note).json"
    for place in [parentFolder(of: folder), folder, parentFolder(of: notePath)] { removeLeftovers(in: place) }
    let content = JSON(members.map { (key: $0.path, value: JSON($0.blob.digest.hex)) }).text()
    let before = try files.read(notePath).map { String(decoding: $0, as: UTF8.self) }
    let isComplete = try members.allSatisfy { member in
      try files.status("\(folder)/\(member.path)")?.stamp.size == member.blob.size
    }
    if before == content, isComplete { return }
    let found = try files.status(folder)
    if let found, found.kind != .folder { throw SystemError("make the folder", folder, code: ENOTDIR) }
    // Whoever is killed from here on leaves a note that says whose the files are, and that they are not all there.
    let names = Set(Self.names(in: before) + members.map(\.path)).sorted()
    try write(JSON(names.map { (key: $0, value: "") }).text(), to: notePath)
    let staging = "\(found == nil ? parentFolder(of: folder) : folder)/\(Self.prefix)\(temporaryName())"
    do {
      try stage(members, in: staging, flushes: flushes)
      if try found != nil || !becomes(folder, staging) { try move(members, from: staging, to: folder, before) }
      try files.removeTree(staging)
      if flushes { try files.sync([folder, parentFolder(of: folder)]) }
    } catch {
      // The error tells more than what its clearing up may meet.
      try? files.removeTree(staging)
      throw error
    }
    try write(content, to: notePath)
  }

  /// Writes a note, flushed no more than what it tells of: losing it costs another copy.
  private func write(_ note: String, to path: String) throws {
    try store.makeFolder(above: path)
    try files.undurable.replace(
      path, Array(note.utf8), temporary: "\(parentFolder(of: path))/\(Self.prefix)\(temporaryName())")
  }

  /// The files that a note says were put somewhere; a damaged note names none.
  private static func names(in note: String?) -> [String] {
    (note.flatMap { try? JSON(parsing: $0) }?.object?.keys ?? []).filter(isValidMemberPath)
  }

  /// The names in a folder that no run of this project put there under this note; none where there is no folder.
  ///
  /// - Throws: ``SystemError``.
  package func foreignNames(in folder: String, note: String) throws -> [String] {
    guard try files.status(folder)?.kind == .folder else { return [] }
    let text = try files.read("\(notes)/\(note).json").map { String(decoding: $0, as: UTF8.self) }
    let own = Set(Self.names(in: text).compactMap { $0.split(separator: "/").first })
    return try files.names(in: folder).filter { !own.contains($0[...]) }
  }

  private func stage(_ members: [Artefact.Member], in staging: String, flushes: Bool) throws {
    try files.makeFolder(staging)
    for member in members {
      let target = "\(staging)/\(member.path)"
      try store.makeFolder(above: target)
      try Self.clone(try store.readPath(of: member.blob), to: target)
    }
    if flushes { try files.sync(members.map { "\(staging)/\($0.path)" } + [staging]) }
  }

  /// Gives the finished folder its name.
  /// - Returns: False when the name is taken meanwhile.
  private func becomes(_ folder: String, _ staging: String) throws -> Bool {
    do { try files.rename(staging, to: folder) } catch let error as SystemError
      where [EEXIST, ENOTEMPTY].contains(error.code)
    { return false }
    return true
  }

  private func move(
    _ members: [Artefact.Member], from staging: String, to folder: String, _ before: String?
  ) throws {
    let ordered =
      members.filter { !Self.entrances.contains($0.path) }
      + members.filter { Self.entrances.contains($0.path) }
    for member in members where Self.entrances.contains(member.path) { try files.remove("\(folder)/\(member.path)") }
    try removeShown(before, folder, but: Set(members.map(\.path)))
    for member in ordered {
      let target = "\(folder)/\(member.path)"
      try store.makeFolder(above: target)
      try files.rename("\(staging)/\(member.path)", to: target)
    }
  }

  /// Removes the files that an earlier run put here, and nothing that the user put beside them.
  private func removeShown(_ note: String?, _ folder: String, but kept: Set<String>) throws {
    for path in Self.names(in: note) where !kept.contains(path) { try files.remove("\(folder)/\(path)") }
  }

  /// Removes what killed processes were writing into a folder.
  ///
  /// A folder that cannot be looked through is left as it is: it is the user's.
  private func removeLeftovers(in folder: String) {
    guard let names = try? files.names(in: folder) else { return }
    for name in names where name.hasPrefix(Self.prefix) && ProcessTag(endOf: name)?.isGone ?? false {
      try? files.removeTree("\(folder)/\(name)")
    }
  }

  /// Makes `target` a file with the bytes of `source` that shares nothing with it but, at best, the blocks on disk.
  private static func clone(_ source: String, to target: String) throws {
    let from = open(source, O_RDONLY | O_CLOEXEC)
    guard from >= 0 else { throw SystemError("open", source) }
    defer { close(from) }
    let to = open(target, O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC, 0o666)
    guard to >= 0 else { throw SystemError("write", target) }
    try FileSystem.closing(to, target) {
      // FICLONE of linux/fs.h.
      if ioctl(to, 0x4004_9409, from) == 0 { return }
      var chunk = [UInt8](repeating: 0, count: 1 << 20)
      while true {
        let got = read(from, &chunk, chunk.count)
        if got < 0, errno == EINTR { continue }
        guard got >= 0 else { throw SystemError("read", source) }
        if got == 0 { return }
        try FileSystem.writeAll(to, chunk[..<got], target)
      }
    }
  }
}
