import Diagnostics
import Glibc

/// The few operations on files that the engine needs, each throwing a ``SystemError`` that names operation and path.
///
/// Every file descriptor is close-on-exec. A hook sees each operation that changes something before it happens: tests
/// count the steps of a publication with it, and fail or kill at one of them.
package struct FileSystem: Sendable {
  /// An operation that changes the file system.
  package enum Change: String, Sendable, CaseIterable {
    case makeFolder = "make the folder"
    case write
    case sync = "flush to disk"
    case protect = "set the mode of"
    case rename
    case link
    case remove
  }

  package typealias Hook = @Sendable (_ change: Change, _ path: String) throws -> Void

  /// Whether changes are flushed to the disk.
  ///
  /// Off only in tests that make thousands of artefacts.
  package var isDurable = true
  package var hook: Hook?
  /// Says how many bytes are free where a path lies, in place of the system; for tests.
  package var freeSpace: (@Sendable (_ path: String) -> Int)?

  package init(isDurable: Bool = true, hook: Hook? = nil) {
    self.isDurable = isDurable
    self.hook = hook
  }

  /// The same without flushing, for what costs nothing but time when it is lost.
  var undurable: FileSystem { FileSystem(isDurable: false, hook: hook) }

  /// Makes a folder and those above it; one that exists already is fine.
  package func makeFolder(_ path: String) throws {
    if let status = try status(path), status.kind == .folder { return }
    try hook?(.makeFolder, path)
    if try makeOneFolder(path) { return }
    guard let slash = path.lastIndex(of: "/"), slash != path.startIndex else {
      throw SystemError("make the folder", path, code: ENOENT)
    }
    try makeFolder(String(path[..<slash]))
    guard try makeOneFolder(path) else { throw SystemError("make the folder", path, code: ENOENT) }
  }

  /// Makes a folder in one that exists.
  /// - Returns: Whether it stands; false when the one above it is missing.
  private func makeOneFolder(_ path: String) throws -> Bool {
    if mkdir(path, 0o777) == 0 { return true }
    switch errno {
    case ENOENT: return false
    case EEXIST:
      guard try status(path)?.kind == .folder else { throw SystemError("make the folder", path, code: ENOTDIR) }
      return true
    default: throw SystemError("make the folder", path)
    }
  }

  /// Writes a file that must not exist yet.
  package func create(_ path: String, _ bytes: [UInt8], mode: UInt32 = 0o666) throws {
    try hook?(.write, path)
    let descriptor = open(path, O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC, mode_t(mode))
    guard descriptor >= 0 else { throw SystemError("write", path) }
    do {
      try Self.closing(descriptor, path) {
        try Self.writeAll(descriptor, bytes, path)
        if isDurable, fsync(descriptor) != 0 { throw SystemError("flush to disk", path) }
      }
    } catch {
      unlink(path)
      throw error
    }
  }

  /// Does something with a file being written, then closes it: some file systems say only then that the disk is full.
  static func closing(_ descriptor: Int32, _ path: String, _ body: () throws -> Void) throws {
    do { try body() } catch {
      close(descriptor)
      throw error
    }
    // The descriptor is gone when a signal interrupts the closing, too.
    guard close(descriptor) == 0 || errno == EINTR else { throw SystemError("write", path) }
  }

  /// Adds bytes at the end of a file with one call, so that lines of several processes do not mix.
  package func append(_ path: String, _ bytes: [UInt8]) throws {
    try hook?(.write, path)
    // Without waiting for whoever reads, should it be a pipe.
    let descriptor = open(path, O_WRONLY | O_CREAT | O_APPEND | O_CLOEXEC | O_NONBLOCK, 0o666)
    guard descriptor >= 0 else { throw SystemError("write", path) }
    try Self.closing(descriptor, path) { try Self.writeAll(descriptor, bytes, path) }
  }

  static func writeAll(_ descriptor: Int32, _ bytes: some Collection<UInt8>, _ path: String) throws {
    try Array(bytes).withUnsafeBytes { try writeAll(descriptor, $0, path) }
  }

  static func writeAll(_ descriptor: Int32, _ bytes: UnsafeRawBufferPointer, _ path: String) throws {
    var offset = 0
    while offset < bytes.count {
      let put = Glibc.write(descriptor, bytes.baseAddress?.advanced(by: offset), bytes.count - offset)
      if put < 0 {
        if errno == EINTR { continue }
        throw SystemError("write", path)
      }
      offset += put
    }
  }

  /// Replaces (or makes) a small file so that a reader sees the old bytes or the new ones and nothing else.
  package func replace(_ path: String, _ bytes: [UInt8], temporary: String) throws {
    try create(temporary, bytes)
    do { try rename(temporary, to: path) } catch {
      unlink(temporary)
      throw error
    }
  }

  package func rename(_ from: String, to: String) throws {
    try hook?(.rename, to)
    guard Glibc.rename(from, to) == 0 else { throw SystemError("rename to", to) }
  }

  /// As ``replace(_:_:temporary:)``, for a name under which nothing but a file belongs.
  func replaceClearing(_ path: String, _ bytes: [UInt8], temporary: String) throws {
    try create(temporary, bytes)
    do { try renameClearing(temporary, to: path) } catch {
      unlink(temporary)
      throw error
    }
  }

  /// Renames a file to a name under which nothing but a file belongs: a folder that stands there is removed.
  func renameClearing(_ from: String, to: String) throws {
    do { try rename(from, to: to) } catch let error as SystemError where error.code == EISDIR {
      try removeTree(to)
      try rename(from, to: to)
    }
  }

  /// Gives a finished file its name unless the name is taken.
  /// - Returns: Whether the name was free.
  package func linkOnce(_ from: String, to: String) throws -> Bool {
    try hook?(.link, to)
    if link(from, to) == 0 { return true }
    switch errno {
    case EEXIST: return false
    case EPERM, EOPNOTSUPP, EMLINK:
      // No hard links here (FAT, some network shares): an exclusive create. A crash in the middle leaves a torn file,
      // which its reader must be able to notice.
      guard let bytes = try read(from) else { throw SystemError("open", from, code: ENOENT) }
      do { try create(to, bytes, mode: 0o444) } catch let error as SystemError where error.code == EEXIST {
        return false
      }
      return true
    default: throw SystemError("link to", to)
    }
  }

  /// Takes the write permission of a file away, leaving the others as the umask made them.
  package func protect(_ path: String) throws {
    try hook?(.protect, path)
    guard let status = try status(path) else { throw SystemError("set the mode of", path, code: ENOENT) }
    guard status.mode & 0o7333 != 0 else { return }
    guard chmod(path, mode_t(status.mode & 0o444)) == 0 else { throw SystemError("set the mode of", path) }
  }

  /// Lets whoever may read a file execute it too.
  func makeExecutable(_ path: String) throws {
    guard let status = try status(path) else { throw SystemError("set the mode of", path, code: ENOENT) }
    guard chmod(path, mode_t(status.mode | (status.mode & 0o444) >> 2)) == 0 else {
      throw SystemError("set the mode of", path)
    }
  }

  /// Flushes a file or a folder to the disk.
  static func flush(_ path: String) throws(SystemError) {
    let descriptor = open(path, O_RDONLY | O_CLOEXEC)
    guard descriptor >= 0 else { throw SystemError("open", path) }
    defer { close(descriptor) }
    // Some network file systems cannot flush a folder; they say EINVAL.
    guard fsync(descriptor) == 0 || errno == EINVAL else { throw SystemError("flush to disk", path) }
  }

  /// Removes a file; one that is gone already is fine.
  package func remove(_ path: String) throws {
    try hook?(.remove, path)
    guard unlink(path) == 0 || errno == ENOENT else { throw SystemError("remove", path) }
  }

  /// Sets a file's modification time to now.
  ///
  /// A file of another user cannot be touched; that is no error.
  package func touch(_ path: String) { utimensat(AT_FDCWD, path, nil, 0) }
}
