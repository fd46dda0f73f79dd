import Diagnostics
import Foundation
import Threads

/// What a program is asked before a node's key is known; its answer is in the key.
package struct VersionQuestion: Sendable, Hashable {
  /// The field that says what to ask, for messages and for the key's entry.
  package var field: String
  package var command: [String]
  /// All that the program sees, but for `HOME` and `TMPDIR`, which are an empty folder unless they are among it.
  package var environment: [String: String]

  /// Seconds that an answer may take.
  static let patience = 30.0
  /// Bytes that an answer may have.
  static let longest = 1 << 16

  package init(field: String, command: [String], environment: [String: String]) {
    self.field = field
    self.command = command
    self.environment = environment
  }

  /// The label of the answer in keys.
  var label: String { "answers.\(field)" }

  /// Asks: what the program writes to its standard output, without white space around it.
  ///
  /// - Throws: ``VersionError``, ``SystemError``.
  package func answer() throws -> String {
    let folder = FileManager.default.temporaryDirectory.path + "/anneal-version-\(uniqueName())"
    try FileSystem().makeFolder(folder)
    defer { try? FileSystem().removeTree(folder) }
    let environment = ["HOME": folder, "TMPDIR": folder].merging(environment) { $1 }
    guard let name = command.first, let file = programFile(name, in: folder, along: environment["PATH"] ?? "") else {
      throw VersionError(self, .missing)
    }
    let program: CapturedProgram
    do {
      program = try CapturedProgram(
        [file] + command.dropFirst(), environment: .exactly(environment), folder: folder, patience: Self.patience,
        longest: Self.longest)
    } catch {
      switch error {
      case .late: throw VersionError(self, .late)
      case .long: throw VersionError(self, .long)
      case .system(let error): throw error
      }
    }
    guard program.ending == .exited(0) else {
      throw VersionError(self, .failed(program.ending, program.errors.isEmpty ? program.output : program.errors))
    }
    guard !program.output.isEmpty else { throw VersionError(self, .silent(program.errors)) }
    return program.output
  }
}

/// A program that did not say its version.
package struct VersionError: DiagnosticError, Hashable {
  enum Problem: Hashable {
    case missing
    case late
    case long
    /// With what it wrote to its standard error.
    case silent(String)
    /// With the last of what it wrote.
    case failed(SpawnedProcess.Ending, String)
    /// It says something else than before the node began.
    case changed(old: String, new: String)
  }

  var question: VersionQuestion
  var problem: Problem

  init(_ question: VersionQuestion, _ problem: Problem) {
    self.question = question
    self.problem = problem
  }

  package var diagnostics: [Diagnostic] { [diagnostic] }

  private var diagnostic: Diagnostic {
    let field = question.field
    let command = question.command.joined(separator: " ")
    func words(_ summary: String, why reason: String? = nil, try advice: String? = nil) -> Diagnostic {
      Diagnostic(code: "version", summary, reason: reason, advice: advice)
    }
    switch problem {
    case .missing:
      let name = question.command.first ?? ""
      return words(
        "`\(field)` does not start: there is no program `\(name)`",
        why: name.contains("/")
          ? "it is asked in an empty folder, where no relative path leads anywhere"
          : "it was looked for along `PATH`, \(question.environment["PATH"] ?? "")",
        try: "Name the program by its whole path, or one that is on `PATH`")
    case .late:
      return words(
        "`\(field)` gave no answer within \(duration(VersionQuestion.patience))", why: "`\(command)` was ended",
        try: "Ask something that answers at once, such as `importlib.metadata.version(\"trl\")` in Python")
    case .long:
      return words(
        "`\(field)` wrote more than \(VersionQuestion.longest) bytes", why: "`\(command)` was ended",
        try: "Ask something that writes a version and no more")
    case .silent(let others):
      return words(
        "`\(field)` ended without an answer",
        why: "`\(command)` wrote nothing to its standard output"
          + (others.isEmpty ? "" : ", and to its standard error: \(Self.tail(others))"),
        try: "Have it write the version to its standard output")
    case .failed(let ending, let text):
      return words(
        "`\(field)` \(ProgramEnding(ending).words)",
        why: "`\(command)`" + (text.isEmpty ? " wrote nothing" : " wrote: \(Self.tail(text))"),
        try: "Try the command by itself; it sees the variables of `environment` and `inherit` and no others")
    case .changed(let old, let new):
      return words(
        "`\(field)` says something else than before the node began",
        why: "it said `\(old)` and says `\(new)` now: the result would belong to neither", try: "run again")
    }
  }

  private static func tail(_ text: String) -> String {
    let lines = text.split(separator: "\n").suffix(5)
    return lines.count == 1 ? String(lines[0]) : "\n" + lines.map { "  " + $0 }.joined(separator: "\n")
  }
}
