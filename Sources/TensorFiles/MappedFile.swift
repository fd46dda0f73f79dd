import Diagnostics
import Glibc

/// A file mapped read-only into memory.
///
/// Bytes are read from disk when they are first touched. Mapping a file that another program truncates later can
/// still end the process; the formats here are checked against the size at opening.
package final class MappedFile: @unchecked Sendable {
  package let path: String
  /// The whole file; valid as long as this object lives, which may end with its last use: prefer
  /// ``withBytes(_:)`` and ``contents``, or hold on with `withExtendedLifetime`.
  package let bytes: UnsafeRawBufferPointer

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
    let size = Int(status.st_size)
    guard size > 0 else {
      bytes = UnsafeRawBufferPointer(start: nil, count: 0)
      return
    }
    let address = mmap(nil, size, PROT_READ, MAP_PRIVATE, descriptor, 0)
    guard let address, address != MAP_FAILED else { throw FileError(path: path, action: .map, code: errno) }
    bytes = UnsafeRawBufferPointer(start: address, count: size)
  }

  /// Runs `body` with the whole file, which stays mapped meanwhile.
  package func withBytes<Result>(_ body: (UnsafeRawBufferPointer) throws -> Result) rethrows -> Result {
    try withExtendedLifetime(self) { try body(bytes) }
  }

  /// A copy of the whole file.
  package var contents: [UInt8] { withBytes { Array($0) } }

  deinit {
    if let start = bytes.baseAddress { munmap(UnsafeMutableRawPointer(mutating: start), bytes.count) }
  }
}

/// A file operation that the system refused.
package struct FileError: Error, Sendable, Hashable {
  package enum Action: String, Sendable {
    case open = "read"
    case map
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
