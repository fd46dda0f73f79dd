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

  /// Why, in words that fit behind what cannot be done.
  var reason: String {
    switch code {
    case EINVAL where operation == "read" || operation == "open": "it is no file but a pipe, a socket or a device"
    case EILSEQ: "the name is not UTF-8 text"
    default: words
    }
  }
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
          advice:
            "ask its owner for access, or name another place; another store with the environment variable `ANNEAL_STORE`"
        )
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
    case EISDIR:
      return [
        Diagnostic(
          code: "not-a-file", "\(what): a folder stands where a file should be", reason: words,
          advice: "move the folder away, or name another place")
      ]
    case EINVAL where operation == "read" || operation == "open":
      return [Diagnostic(code: "not-a-file", "\(what): \(reason)", advice: "move it away, or name another place")]
    case ELOOP:
      return [
        Diagnostic(code: "link-loop", "\(what): it is a link that leads back to itself", reason: words)
      ]
    case ENAMETOOLONG:
      return [
        Diagnostic(
          code: "name-too-long", "\(what): the name is longer than the file system takes", reason: words,
          advice: "work in a folder with a shorter path, or use shorter names")
      ]
    case EILSEQ:
      return [
        Diagnostic(
          code: "name-not-utf8", "\(what): \(reason)", advice: "rename it (`convmv` does many at once)")
      ]
    default:
      return [Diagnostic(code: "system-error", "\(what): \(words)")]
    }
  }
}
