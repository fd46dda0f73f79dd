import Crypto
import Diagnostics
import Glibc

extension FileSystem {
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

  /// Gives the bytes of a file to `body`, a piece after the other.
  ///
  /// - Returns: Whether there is such a file.
  func readPieces(_ path: String, _ body: (UnsafeRawBufferPointer) throws -> Void) throws -> Bool {
    guard let (descriptor, _) = try openFile(path) else { return false }
    defer { close(descriptor) }
    try Self.readAll(descriptor, path) { try body(UnsafeRawBufferPointer($0)) }
    return true
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
}
