import Glibc
import PreciseJSON

/// A folder as a remote cache: on a network file system, a stick, or another disk.
///
/// Files are written under names of their own and moved into place, so several machines may write at once.
package struct FolderRemote: RemoteCache {
  package let name: String
  package let path: String
  package let isWritable: Bool
  package let width = 4
  private let files: FileSystem

  package init(name: String? = nil, path: String, isWritable: Bool, files: FileSystem = FileSystem()) {
    self.name = name ?? path
    self.path = path
    self.isWritable = isWritable
    self.files = files
  }

  package var json: JSON { ["name": JSON(name), "folder": JSON(path), "writable": JSON(isWritable)] }

  /// Reads what ``json`` gave.
  init?(json: JSON) {
    guard let path = json["folder"]?.string, let isWritable = json["writable"]?.bool else { return nil }
    self.init(name: json["name"]?.string, path: path, isWritable: isWritable)
  }

  private func place(_ area: RemoteArea, _ digest: Digest) -> String {
    "\(path)/\(area.rawValue)/\(digest.hex.prefix(2))/\(digest.hex)"
  }

  package func holds(_ area: RemoteArea, _ digest: Digest, size: Int?, _ transfer: RemoteTransfer) throws -> Bool {
    guard let status = try files.status(place(area, digest)), status.kind == .file else { return false }
    return size.map { $0 == status.stamp.size } ?? true
  }

  package func canTake() throws -> Bool? {
    var existing = path
    while try files.status(existing) == nil, existing != "/", existing != "." { existing = parentFolder(of: existing) }
    guard try files.status(existing)?.kind == .folder else { throw SystemError("use", existing, code: ENOTDIR) }
    return access(existing, W_OK | X_OK) == 0
  }

  package func fetch(
    _ area: RemoteArea, _ digest: Digest, into file: ReceivedFile, limit: Int, _ transfer: RemoteTransfer
  ) throws -> Bool {
    let place = place(area, digest)
    guard let status = try files.status(place), status.kind == .file else { return false }
    guard status.stamp.size <= limit else { throw RemoteError.tooLarge(digest, limit: limit) }
    return try files.readPieces(place) { piece in
      try transfer.check()
      guard file.count + piece.count <= limit else { throw RemoteError.tooLarge(digest, limit: limit) }
      try file.append(piece)
      transfer.moved(piece.count)
    }
  }

  package func keep(_ area: RemoteArea, _ digest: Digest, from source: String, _ transfer: RemoteTransfer) throws {
    let place = place(area, digest)
    try files.makeFolder(parentFolder(of: place))
    let staged = "\(path)/tmp/\(temporaryName())"
    try files.makeFolder(parentFolder(of: staged))
    do {
      guard try files.copy(source, to: staged, each: transfer.check) else { throw SystemError("open", source, code: 2) }
      try files.protect(staged)
      try files.sync([staged])
      try files.rename(staged, to: place)
    } catch {
      try? files.remove(staged)
      throw error
    }
  }
}
