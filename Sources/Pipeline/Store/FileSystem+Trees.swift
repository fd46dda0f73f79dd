import Glibc

/// Whole trees as programs of others leave them: with names that are no text, and folders that may not be entered.
extension FileSystem {
  /// Removes a file or a folder with everything in it; links are removed, not followed.
  ///
  /// A folder of this user's that may not be listed or changed is made one that may.
  /// - Throws: ``SystemError``.
  package func removeTree(_ path: String) throws { try removeTree(RawPath(path)) }

  private func removeTree(_ path: RawPath) throws {
    guard let status = try path.status() else { return }
    guard status.kind == .folder else {
      try hook?(.remove, path.text)
      guard unlink(path.bytes) == 0 || errno == ENOENT else { throw SystemError("remove", path.text) }
      return
    }
    if status.mode & 0o700 != 0o700 {
      try hook?(.protect, path.text)
      // What is somebody else's stays as it is; whether that matters is seen below.
      chmod(path.bytes, mode_t(status.mode & 0o7777 | 0o700))
    }
    for name in try path.names() { try removeTree(path.appending(name)) }
    try hook?(.remove, path.text)
    guard rmdir(path.bytes) == 0 || errno == ENOENT else { throw SystemError("remove", path.text) }
  }

  /// What can be seen of a file, or of everything below a folder.
  struct Tree {
    /// Bytes of all files; what links lead to lies elsewhere and is not counted.
    var size = 0
    /// When anything in it was changed last, in nanoseconds since 1970.
    var newest: Int64 = 0
    /// What could not be looked at.
    var unseen: [SystemError] = []
  }

  /// Looks at every file of a tree, reads none and changes nothing.
  ///
  /// What cannot be looked at is noted, and passed over.
  func tree(_ path: String) -> Tree {
    var tree = Tree()
    look(RawPath(path), &tree)
    return tree
  }

  private func look(_ path: RawPath, _ tree: inout Tree) {
    do {
      guard let status = try path.status() else { return }
      tree.newest = max(tree.newest, status.stamp.modified, status.stamp.changed)
      switch status.kind {
      case .file: tree.size += status.stamp.size
      case .folder: for name in try path.names() { look(path.appending(name), &tree) }
      case .other: break
      }
    } catch { tree.unseen.append(error) }
  }

  /// Gives this user rights to a file or folder of a program's that it left without them.
  ///
  /// - Throws: ``SystemError``.
  func allow(_ rights: UInt32, _ path: String) throws {
    guard let status = try status(path, followsLinks: false), status.mode & rights != rights else { return }
    try hook?(.protect, path)
    guard chmod(path, mode_t(status.mode & 0o7777 | rights)) == 0 else { throw SystemError("set the mode of", path) }
  }
}

/// A path as the file system has it, whether it is text or not.
private struct RawPath {
  /// With the zero at its end.
  let bytes: [CChar]

  init(_ path: String) { bytes = Array(path.utf8CString) }

  private init(bytes: [CChar]) { self.bytes = bytes }

  /// As near as text comes to it.
  var text: String { String(decoding: bytes.dropLast().map { UInt8(bitPattern: $0) }, as: UTF8.self) }

  func appending(_ name: [UInt8]) -> RawPath {
    var path = bytes
    path[path.count - 1] = CChar(bitPattern: UInt8(ascii: "/"))
    path += name.map { CChar(bitPattern: $0) }
    path.append(0)
    return RawPath(bytes: path)
  }

  /// What stands there itself; nil when nothing does.
  func status() throws(SystemError) -> FileStatus? {
    var status = stat()
    if lstat(bytes, &status) == 0 { return FileStatus(status) }
    if errno == ENOENT || errno == ENOTDIR { return nil }
    throw SystemError("look at", text)
  }

  /// The names in a folder as they are, in byte order and without `.` and `..`; none where there is no folder any more.
  func names() throws(SystemError) -> [[UInt8]] {
    guard let handle = opendir(bytes) else {
      let code = errno
      if code == ENOENT { return [] }
      throw SystemError("list", text, code: code)
    }
    defer { closedir(handle) }
    var names: [[UInt8]] = []
    while true {
      // The end and an error differ in `errno` alone.
      errno = 0
      guard let entry = readdir(handle) else { break }
      let name = withUnsafeBytes(of: &entry.pointee.d_name) { Array($0.prefix { $0 != 0 }) }
      if name != Array(".".utf8), name != Array("..".utf8) { names.append(name) }
    }
    let code = errno
    guard code == 0 else { throw SystemError("list", text, code: code) }
    return names.sorted { $0.lexicographicallyPrecedes($1) }
  }
}
