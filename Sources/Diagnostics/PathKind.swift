import Glibc

/// What stands at a path.
package enum PathKind: Sendable, Hashable {
  case file
  case folder
  /// A pipe, a socket or a device.
  case other
}

/// A path that the system does not let look at.
package struct LookError: Error, Sendable, Hashable {
  package var path: String
  /// The system's error number.
  package var code: Int32

  package init(path: String, code: Int32) {
    self.path = path
    self.code = code
  }
}

extension LookError: DiagnosticError {
  package var diagnostics: [Diagnostic] {
    [
      Diagnostic(
        code: "file", "Cannot look at `\(path)`", at: Place(file: path), reason: String(cString: strerror(code)))
    ]
  }
}

/// What stands at a path, links followed; nil when nothing does.
///
/// Foundation's `fileExists` says no as well where the disk or the user's rights do not let look.
///
/// - Throws: ``LookError`` for everything but that there is nothing.
package func pathKind(_ path: String) throws(LookError) -> PathKind? {
  var status = stat()
  guard stat(path, &status) == 0 else {
    if errno == ENOENT || errno == ENOTDIR { return nil }
    throw LookError(path: path, code: errno)
  }
  switch status.st_mode & S_IFMT {
  case S_IFREG: return .file
  case S_IFDIR: return .folder
  default: return .other
  }
}
