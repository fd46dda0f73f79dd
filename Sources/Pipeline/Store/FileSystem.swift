import Crypto
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

  // MARK: Looking

  /// What stands at `path`, nil when nothing does; links are followed unless told otherwise.
  package func status(_ path: String, followsLinks: Bool = true) throws -> FileStatus? {
    var status = stat()
    if (followsLinks ? stat(path, &status) : lstat(path, &status)) == 0 { return FileStatus(status) }
    if errno == ENOENT || errno == ENOTDIR { return nil }
    throw SystemError("look at", path)
  }

  /// The bytes that this user may still write to the file system of a path that exists; nil where it does not say.
  package func freeBytes(_ path: String) throws -> Int? {
    if let freeSpace { return freeSpace(path) }
    var status = statvfs()
    guard statvfs(path, &status) == 0 else { throw SystemError("look at", path) }
    // Some file systems of other machines count nothing.
    guard status.f_blocks > 0 else { return nil }
    let (bytes, isTooLarge) = UInt64(status.f_bavail).multipliedReportingOverflow(by: UInt64(status.f_frsize))
    return isTooLarge ? .max : Int(clamping: bytes)
  }

  /// The names in a folder in byte order, without `.` and `..`; empty when there is no such folder.
  ///
  /// All of them or an error: a name that is not UTF-8 text, which no path here could hold, is one (`EILSEQ`).
  package func names(in folder: String) throws -> [String] {
    do { return try folderNames(folder, refusesOthers: true) ?? [] } catch {
      throw SystemError("list", error.path, code: error.code)
    }
  }

  /// Opens a file for reading, nil when there is none; whatever is no regular file is an error, and is not waited for.
  private func openFile(_ path: String) throws -> (descriptor: Int32, status: stat)? {
    // A pipe that nobody writes to would hold up the opening.
    let descriptor = open(path, O_RDONLY | O_CLOEXEC | O_NONBLOCK)
    guard descriptor >= 0 else {
      if errno == ENOENT || errno == ENOTDIR { return nil }
      // What a socket says.
      throw SystemError("open", path, code: errno == ENXIO ? EINVAL : errno)
    }
    var status = stat()
    guard fstat(descriptor, &status) == 0 else {
      let error = SystemError("look at", path)
      close(descriptor)
      throw error
    }
    guard status.st_mode & S_IFMT == S_IFREG else {
      close(descriptor)
      throw SystemError("read", path, code: status.st_mode & S_IFMT == S_IFDIR ? EISDIR : EINVAL)
    }
    return (descriptor, status)
  }

  /// The bytes of a file, nil when there is none.
  ///
  /// More bytes than `limit` are an error (`EFBIG`): the file is not what it should be. So is anything but a file.
  package func read(_ path: String, limit: Int = 1 << 28) throws -> [UInt8]? {
    guard let (descriptor, status) = try openFile(path) else { return nil }
    defer { close(descriptor) }
    var bytes: [UInt8] = []
    // The size is a guess: the file may grow, and files of the kernel say 0.
    let guess = min(max(Int(status.st_size), 0), limit)
    bytes.reserveCapacity(guess)
    try Self.readAll(descriptor, path, chunk: min(max(guess + 1, 1 << 12), 1 << 18)) { chunk in
      guard bytes.count + chunk.count <= limit else { throw SystemError("read", path, code: EFBIG) }
      bytes.append(contentsOf: chunk)
    }
    return bytes
  }

  /// The bytes that come out of a pipe until it is closed, which is waited for: for what the user hands over as one.
  ///
  /// More bytes than `limit` are an error (`EFBIG`).
  package func readStream(_ path: String, limit: Int = 1 << 28) throws -> [UInt8] {
    let descriptor = open(path, O_RDONLY | O_CLOEXEC)
    guard descriptor >= 0 else { throw SystemError("open", path) }
    defer { close(descriptor) }
    var bytes: [UInt8] = []
    try Self.readAll(descriptor, path) { chunk in
      guard bytes.count + chunk.count <= limit else { throw SystemError("read", path, code: EFBIG) }
      bytes.append(contentsOf: chunk)
    }
    return bytes
  }

  /// The digest of a file's bytes with the stamp it has before and after; nil when there is no such file.
  /// - Throws: ``StoreError/changedWhileRead(path:)`` when the file changes meanwhile.
  package func digest(_ path: String) throws -> (digest: Digest, stamp: FileStamp, start: Int64)? {
    let start = wallClock()
    guard let (descriptor, before) = try openFile(path) else { return nil }
    defer { close(descriptor) }
    posix_fadvise(descriptor, 0, 0, POSIX_FADV_SEQUENTIAL)
    var hash = SHA256()
    var count = 0
    try Self.readAll(descriptor, path) { chunk in
      hash.update(bufferPointer: UnsafeRawBufferPointer(chunk))
      count += chunk.count
    }
    var after = stat()
    guard fstat(descriptor, &after) == 0 else { throw SystemError("look at", path) }
    let stamp = FileStamp(before)
    // The change time alone also moves when a link to the file comes or goes: a blob replaced by its equal, say.
    let isSame = stamp.modified == FileStamp(after).modified && stamp.size == FileStamp(after).size
    guard isSame, count == stamp.size else { throw StoreError.changedWhileRead(path: path) }
    return (Digest(hash.finalize()), stamp, start)
  }

  private static func readAll(
    _ descriptor: Int32, _ path: String, chunk size: Int = 1 << 18,
    _ body: (UnsafeMutableBufferPointer<UInt8>) throws -> Void
  ) throws {
    let chunk = UnsafeMutableBufferPointer<UInt8>.allocate(capacity: size)
    defer { chunk.deallocate() }
    while true {
      let got = Glibc.read(descriptor, chunk.baseAddress, chunk.count)
      if got < 0 {
        if errno == EINTR { continue }
        throw SystemError("read", path)
      }
      if got == 0 { return }
      try body(UnsafeMutableBufferPointer(rebasing: chunk[..<got]))
    }
  }

  /// The path without links, `.` and `..`, from the root; what is not there yet is taken by its name.
  package func resolved(_ path: String) throws(SystemError) -> String {
    var head = path.hasPrefix("/") ? path : try currentFolder() + "/" + path
    var rest: [Substring] = []
    while true {
      if let found = realpath(head, nil) {
        defer { free(found) }
        return Self.joined(String(cString: found), rest)
      }
      guard errno == ENOENT || errno == ENOTDIR, head != "/" else { throw SystemError("look at", head) }
      let parts = head.split(separator: "/", omittingEmptySubsequences: true)
      if let last = parts.last { rest.insert(last, at: 0) }
      head = "/" + parts.dropLast().joined(separator: "/")
    }
  }

  private static func joined(_ folder: String, _ names: [Substring]) -> String {
    var parts = folder.split(separator: "/")
    for name in names where name != "." {
      if name == ".." { _ = parts.popLast() } else { parts.append(name) }
    }
    return "/" + parts.joined(separator: "/")
  }

  // MARK: Changing

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
    let array = Array(bytes)
    try array.withUnsafeBytes { buffer in
      var offset = 0
      while offset < buffer.count {
        let put = Glibc.write(descriptor, buffer.baseAddress?.advanced(by: offset), buffer.count - offset)
        if put < 0 {
          if errno == EINTR { continue }
          throw SystemError("write", path)
        }
        offset += put
      }
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

  /// Removes a file or a folder with everything in it; links are removed, not followed.
  package func removeTree(_ path: String) throws {
    guard let status = try status(path, followsLinks: false) else { return }
    guard status.kind == .folder else { return try remove(path) }
    for name in try names(in: path) { try removeTree(path + "/" + name) }
    try hook?(.remove, path)
    guard rmdir(path) == 0 || errno == ENOENT else { throw SystemError("remove", path) }
  }

  /// Sets a file's modification time to now.
  ///
  /// A file of another user cannot be touched; that is no error.
  package func touch(_ path: String) { utimensat(AT_FDCWD, path, nil, 0) }
}

/// The folder that relative paths start at.
///
/// Paths are texts here. A folder whose name is none goes by the name that the system has for it in every process that
/// is started there.
package func currentFolder() throws(SystemError) -> String {
  guard let path = getcwd(nil, 0) else { throw SystemError("tell the path of", ".") }
  defer { free(path) }
  return String(validatingCString: path) ?? namelessFolder
}

/// The current folder's name where its own is no text.
private let namelessFolder = "/proc/self/cwd"

/// A path as people see it, who do not know the name that stands for a current folder without one.
package func shownPath(_ path: String) -> String {
  path.hasPrefix(namelessFolder + "/") ? String(path.dropFirst(namelessFolder.count + 1)) : path
}

/// The folder that a path stands in.
package func parentFolder(of path: String) -> String {
  guard let slash = path.lastIndex(of: "/") else { return "." }
  return slash == path.startIndex ? "/" : String(path[..<slash])
}
