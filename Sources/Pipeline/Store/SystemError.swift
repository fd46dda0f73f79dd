import Diagnostics
import Glibc

/// An operation that the operating system refused: what was tried, on which path, and the `errno` it gave.
package struct SystemError: Error, Sendable, Hashable {
  /// What was tried, as words that fit behind "Cannot": `write`, `make the folder`.
  package var operation: String
  package var path: String
  package var code: Int32

  package init(_ operation: String, _ path: String, code: Int32 = errno) {
    self.operation = operation
    self.path = path
    self.code = code
  }

  /// The system's own words for the code.
  package var words: String { String(cString: strerror(code)) }
}

extension SystemError: DiagnosticError {
  package var diagnostics: [Diagnostic] {
    let what = "Cannot \(operation) `\(path)`"
    switch code {
    case ENOSPC, EDQUOT:
      return [
        Diagnostic(
          code: "disk-full", "\(what): the disk is full", reason: words,
          advice: "free some space (`anneal cache gc` removes what no recent run uses), then run again")
      ]
    case EFBIG:
      return [
        Diagnostic(
          code: "file-too-large", "\(what): the file would be larger than allowed", reason: words,
          advice: "raise the limit (`ulimit -f`) or use another file system")
      ]
    case EROFS:
      return [
        Diagnostic(
          code: "read-only", "\(what): the file system is read-only", reason: words,
          advice: "name a writable store with the environment variable `ANNEAL_STORE`")
      ]
    case EACCES, EPERM:
      return [
        Diagnostic(
          code: "no-permission", "\(what): permission denied", reason: words,
          advice: "ask its owner for access, or name another store with the environment variable `ANNEAL_STORE`")
      ]
    case EMFILE, ENFILE:
      return [
        Diagnostic(
          code: "too-many-files", "\(what): too many files are open", reason: words,
          advice: "raise the limit (`ulimit -n`)")
      ]
    case EAGAIN, ENOMEM:
      return [
        Diagnostic(
          code: "no-resources", "\(what): the system has no memory or no thread left for it", reason: words,
          advice: "end other programs, or raise the limits (`ulimit -v`, `ulimit -u`)")
      ]
    case ENOENT:
      return [Diagnostic(code: "missing-file", "\(what): it does not exist", reason: words)]
    case ENOTDIR:
      return [
        Diagnostic(
          code: "not-a-folder", "\(what): a file stands where a folder should be", reason: words,
          advice: "move the file away, or name another place")
      ]
    default:
      return [Diagnostic(code: "system-error", "\(what): \(words)")]
    }
  }
}
