import Diagnostics
import Pipeline

/// What can go wrong with a program of somebody else's.
enum ExecError: Error, Sendable {
  /// There is no such program; with where it was looked for.
  case missing(String, path: String)
  case ended(String, ProgramEnding, lastLines: [String])
  /// It made nothing for an output; with what there is in the outputs' folder.
  case empty(String, ExecOutput, found: [String])
  /// Something else stands where an output's folder was.
  case noFolder(String, isLink: Bool)
  /// Two files would have one name in the program's folder.
  case sameName(String, String)
  case takenName(String)
  /// A path without a last name, such as `..`.
  case noName(String)
}

extension ExecError: DiagnosticError {
  var diagnostics: [Diagnostic] { [diagnostic] }

  private var diagnostic: Diagnostic {
    func words(_ summary: String, why reason: String? = nil, try advice: String? = nil) -> Diagnostic {
      Diagnostic(code: "exec", summary, reason: reason, advice: advice)
    }
    switch self {
    case .missing(let name, let path):
      return words(
        "There is no program `\(name)`",
        why: name.contains("/")
          ? "a path is looked for in the folder that the program is started in, which holds copies of `files`"
          : "it was looked for along `PATH`, \(path)",
        try: name.contains("/")
          ? "Name it in `files` and see that it may be executed (`chmod +x`), or give its whole path"
          : "Install it, or name it by its whole path")
    case .ended(let name, .refused(let code), _):
      return words(
        "`\(name)` \(ProgramEnding.refused(code).words)",
        why: "the system takes it for no program, or there is not what its first line names",
        try: "Name the program that runs it: `[python3, \(name)]`")
    case .ended(let name, .unguarded, _):
      return words(
        "`\(name)` \(ProgramEnding.unguarded.words)",
        why: "somebody or the system killed the process that watches over it",
        try: "Run again; if the machine ran out of memory, the kernel's log says so (`dmesg`)")
    case .ended(let name, let ending, let lastLines):
      let said =
        lastLines.isEmpty
        ? "it wrote nothing" : "its last lines were:\n" + lastLines.map { "  " + $0 }.joined(separator: "\n")
      let advice =
        ending == .killed(signal: 9)
        ? "The machine may have run out of memory: see the kernel's log (`dmesg`); `anneal logs` shows all that it wrote"
        : "`anneal logs` shows all that it wrote; it sees `PATH` and what `environment` and `inherit` name, and no other "
          + "variables"
      return words("`\(name)` \(ending.words)", why: said, try: advice)
    case .empty(let name, let type, let found):
      let there = found.filter { $0 != name }
      return words(
        "The program ended well and made no output `\(name)`",
        why: "`outputs/\(name)` is empty"
          + (there.isEmpty ? "" : "; in `outputs` there are [\(there.prefix(16).joined(separator: ", "))]"),
        try: "Have it write \(type == .files ? "its files" : "the `\(type.rawValue)`") to the folder "
          + "`{outputs.\(name)}`, which stands there when it is started")
    case .noFolder(let name, let isLink):
      return words(
        "A \(isLink ? "link" : "file") stands at `outputs/\(name)`, where the folder of an output was",
        try: "Have the program write its files into the folder `{outputs.\(name)}`")
    case .sameName(let first, let second):
      return words(
        "Two files would have one name: `\(first)` and `\(second)`",
        why: "each of `files` is copied into the program's folder under its own name",
        try: "Name a folder that holds both, or rename one")
    case .takenName(let name):
      return words(
        "A file may not be called `\(name)` here",
        why: "[\(ExecFolder.taken.joined(separator: ", "))] are folders of the node's own", try: "Rename it")
    case .noName(let path):
      return words("`\(path)` is no name to copy a file to", try: "Name the file or folder itself")
    }
  }
}
