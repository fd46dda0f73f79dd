import Diagnostics
import Glibc

/// A file mapped read-only into memory.
///
/// Bytes are read from disk when they are first touched. Where another program has cut the file short meanwhile, or the
/// disk cannot read it, zeros stand in their place, and ``withBytes(_:)`` and ``check()`` throw.
package final class MappedFile: @unchecked Sendable {
  package let path: String
  /// The whole file; valid as long as this object lives, which may end with its last use: prefer
  /// ``withBytes(_:)`` and ``contents``, or hold on with `withExtendedLifetime`.
  package let bytes: UnsafeRawBufferPointer
  private let slot: Int?
  /// What the system said about the file when it was opened.
  private let opened: stat

  /// Opens and maps the file.
  ///
  /// - Throws: ``FileError`` when it is missing, not a file, or unreadable.
  package init(path: String) throws {
    self.path = path
    // A pipe that nobody writes to would hold up the opening.
    let descriptor = open(path, O_RDONLY | O_CLOEXEC | O_NONBLOCK)
    guard descriptor >= 0 else { throw FileError(path: path, action: .open, code: errno) }
    defer { close(descriptor) }
    var status = stat()
    guard fstat(descriptor, &status) == 0 else { throw FileError(path: path, action: .open, code: errno) }
    guard status.st_mode & S_IFMT == S_IFREG else {
      throw FileError(path: path, action: .open, code: status.st_mode & S_IFMT == S_IFDIR ? EISDIR : EINVAL)
    }
    opened = status
    let size = Int(status.st_size)
    guard size > 0 else {
      bytes = UnsafeRawBufferPointer(start: nil, count: 0)
      slot = nil
      return
    }
    let address = mmap(nil, size, PROT_READ, MAP_PRIVATE, descriptor, 0)
    guard let address, address != MAP_FAILED else { throw FileError(path: path, action: .map, code: errno) }
    bytes = UnsafeRawBufferPointer(start: address, count: size)
    slot = MappedRanges.insert(address, count: size)
  }

  /// Runs `body` with the whole file, which stays mapped meanwhile.
  ///
  /// - Throws: What `body` throws, but ``FileError`` when bytes that were read are not the file's.
  package func withBytes<Result>(_ body: (UnsafeRawBufferPointer) throws -> Result) throws -> Result {
    let result = Swift.Result { try withExtendedLifetime(self) { try body(bytes) } }
    try check()
    return try result.get()
  }

  /// A copy of the whole file.
  package var contents: [UInt8] { get throws { try withBytes { Array($0) } } }

  /// - Throws: ``FileError`` when bytes that were read since opening are not the file's.
  package func check() throws {
    if let slot, MappedRanges.isCut(slot) { throw FileError(path: path, action: .readOn, code: EIO) }
  }

  /// For those that read while others may write, such as a model whose weights stay in the file.
  ///
  /// A file that stands at the path in place of this one changes nothing: this one stays as long as it is mapped.
  /// - Throws: As ``check()``, and ``FileError`` when the file was written to since opening.
  package func checkUnchanged() throws {
    try check()
    var now = stat()
    guard stat(path, &now) == 0, now.st_ino == opened.st_ino, now.st_dev == opened.st_dev else { return }
    guard now.st_size == opened.st_size, now.st_mtim.tv_sec == opened.st_mtim.tv_sec,
      now.st_mtim.tv_nsec == opened.st_mtim.tv_nsec
    else { throw FileError(path: path, action: .change, code: EIO) }
  }

  deinit {
    if let slot { MappedRanges.remove(slot) }
    if let start = bytes.baseAddress { munmap(UnsafeMutableRawPointer(mutating: start), bytes.count) }
  }
}

/// A file operation that the system refused.
package struct FileError: Error, Sendable, Hashable {
  package enum Action: String, Sendable {
    case open = "read"
    case map
    /// A file that was open had bytes no more that it had when it was opened.
    case readOn
    /// A file that stays open was written to by another program.
    case change
    case create
    case write
    case remove
  }

  package var path: String
  package var action: Action
  /// The system's error number.
  package var code: Int32

  package init(path: String, action: Action, code: Int32) {
    self.path = path
    self.action = action
    self.code = code
  }
}

extension FileError: DiagnosticError {
  package var diagnostics: [Diagnostic] {
    if action == .readOn {
      return [
        Diagnostic(
          code: "file", "`\(path)` was cut short while it was read, or the disk cannot read it", at: Place(file: path),
          advice: "run again when nothing writes to it")
      ]
    }
    if action == .change {
      return [
        Diagnostic(
          code: "file", "`\(path)` was changed while a model's weights were read from it", at: Place(file: path),
          advice: "run again when nothing writes to it")
      ]
    }
    let advice: String? =
      switch code {
      case ENOENT: "check the path; relative paths start at the folder the command runs in"
      case EISDIR: "name a file inside the folder"
      case EINVAL where action == .open: "it is a pipe, a socket or a device: name a file"
      case EACCES, EPERM, EROFS: "give the user that runs this the permission"
      case ENOSPC, EDQUOT: "free space on the file system that holds the path"
      default: nil
      }
    return [
      Diagnostic(
        code: "file", "Cannot \(action.rawValue) `\(path)`", at: Place(file: path),
        reason: String(cString: strerror(code)), advice: advice)
    ]
  }
}
